-- One row is a kind of change since the snapshot before: how many works.
SELECT kinds.change, count(subject_changes.work_key) AS works
FROM (VALUES (1, 'added'), (2, 'removed'), (3, 'changed')) AS kinds(place, change)
LEFT JOIN subject_changes ON subject_changes.change = kinds.change
GROUP BY kinds.place, kinds.change
ORDER BY kinds.place
