-- One row is a work that came, went or changed since the snapshot before; the first hundred of each kind.
SELECT work_key, title, change
FROM subject_changes
QUALIFY row_number() OVER (PARTITION BY change ORDER BY work_key) <= 100
ORDER BY change, work_key
