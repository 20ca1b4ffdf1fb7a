-- One row is a work into which those are merged that are likely the same book (stocking_list.duplicate_of); most are
-- alone. Of such works, the one with most editions stands for all, then the smallest key.
WITH RECURSIVE pairs AS (
    SELECT work_key, duplicate_of AS other FROM stocking_list WHERE duplicate_of IS NOT NULL
    UNION
    SELECT duplicate_of AS work_key, work_key AS other FROM stocking_list WHERE duplicate_of IS NOT NULL
),
reached AS (
    SELECT work_key, work_key AS other FROM pairs
    UNION
    SELECT reached.work_key, pairs.other
    FROM reached
    JOIN pairs ON pairs.work_key = reached.other
),
books AS (
    SELECT reached.work_key, reached.other, row_number() OVER (
        PARTITION BY reached.work_key ORDER BY works.edition_count DESC NULLS LAST, works.work_key
    ) AS place
    FROM reached
    JOIN works ON works.work_key = reached.other
),
merged AS (
    SELECT other AS work_key, count(*) AS merged_works
    FROM books
    WHERE place = 1
    GROUP BY other
)
SELECT works.*, coalesce(merged.merged_works, 1) AS merged_works
FROM works
LEFT JOIN merged USING (work_key)
WHERE works.work_key NOT IN (SELECT work_key FROM books WHERE place = 1 AND other <> work_key)
