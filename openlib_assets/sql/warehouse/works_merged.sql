-- One row is a work into which those are merged that are likely the same book (stocking_list.duplicate_of); most are
-- alone. Of such works, the one with most editions stands for all, then the smallest key. Only the works that
-- others are duplicates of are walked: of however many works that are one book, these are one or two for each subject.
WITH RECURSIVE duplicates AS (
    SELECT DISTINCT work_key, duplicate_of FROM stocking_list WHERE duplicate_of IS NOT NULL
),
originals AS (
    SELECT DISTINCT duplicate_of AS work_key FROM duplicates
),
joined AS (
    SELECT DISTINCT
        coalesce(originals.work_key, min(duplicate_of) OVER (PARTITION BY duplicates.work_key)) AS work_key,
        duplicate_of AS other
    FROM duplicates
    LEFT JOIN originals ON originals.work_key = duplicates.work_key
),
pairs AS (
    SELECT work_key, other FROM joined
    UNION
    SELECT other AS work_key, work_key AS other FROM joined
),
reached AS (
    SELECT work_key, work_key AS other FROM originals
    UNION
    SELECT reached.work_key, pairs.other
    FROM reached
    JOIN pairs ON pairs.work_key = reached.other
),
books AS (
    SELECT work_key AS original, min(other) AS book FROM reached GROUP BY work_key
),
members AS (
    SELECT original AS work_key, book FROM books
    UNION
    SELECT duplicates.work_key, books.book
    FROM duplicates
    JOIN books ON books.original = duplicates.duplicate_of
),
placed AS (
    SELECT
        members.work_key,
        row_number() OVER (
            PARTITION BY members.book ORDER BY works.edition_count DESC NULLS LAST, works.work_key
        ) AS place,
        count(*) OVER (PARTITION BY members.book) AS merged_works
    FROM members
    JOIN works ON works.work_key = members.work_key
)
SELECT works.*, coalesce(placed.merged_works, 1) AS merged_works
FROM works
LEFT JOIN placed ON placed.work_key = works.work_key
WHERE coalesce(placed.place, 1) = 1
