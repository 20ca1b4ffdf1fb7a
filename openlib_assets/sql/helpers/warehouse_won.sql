-- One row is a work of which the tables of a subject just read say the last word: it was fetched last of all that list
-- the work, or comes first in the order of the keys.
WITH best AS (
    SELECT work_key, fetched_for, fetched_at
    FROM new_works
    QUALIFY row_number() OVER (PARTITION BY work_key ORDER BY fetched_at DESC, fetched_for) = 1
)
SELECT best.work_key, best.fetched_for
FROM best
LEFT JOIN works USING (work_key)
WHERE works.work_key IS NULL
    OR best.fetched_at > works.fetched_at
    OR (best.fetched_at = works.fetched_at AND best.fetched_for < works.fetched_for)
