-- One row is a snapshot fetched since the moment asked, and what its subject had in the one before.
WITH followed AS (
    SELECT
        *,
        lag(works) OVER (PARTITION BY subject ORDER BY snapshot) AS works_before,
        row_number() OVER (PARTITION BY subject ORDER BY snapshot DESC) = 1 AS is_last
    FROM subject_history
)
SELECT subject, snapshot, epoch_us(fetched_at) AS fetched_us, works, works_before, works_added, works_removed, is_last
FROM followed
WHERE fetched_at >= (SELECT since FROM asked)
ORDER BY fetched_at DESC, subject
