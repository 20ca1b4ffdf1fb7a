-- One row is a work that was added, removed or changed since the snapshot before; without such a snapshot there is none.
--
-- A work changed if any column of books or its list of authors, in order and as received, is not what it was. Whether its
-- text is online counts only where both sources know it, or a first fetch from a dump would change every work.
WITH current_works AS (
    SELECT books.*, author_lists.author_keys
    FROM books
    LEFT JOIN author_lists USING (work_key)
),
previous_works AS (
    SELECT previous_books.*, previous_author_lists.author_keys
    FROM previous_books
    LEFT JOIN previous_author_lists USING (work_key)
)
SELECT
    coalesce(current_works.work_key, previous_works.work_key) AS work_key,
    CASE WHEN current_works.work_key IS NULL THEN previous_works.title ELSE current_works.title END AS title,
    CASE
        WHEN previous_works.work_key IS NULL THEN 'added'
        WHEN current_works.work_key IS NULL THEN 'removed'
        ELSE 'changed'
    END AS change,
    previous_snapshot.name AS previous_snapshot,
    snapshot.name AS current_snapshot
FROM current_works
FULL JOIN previous_works ON previous_works.work_key = current_works.work_key
CROSS JOIN previous_snapshot
CROSS JOIN snapshot
WHERE
    struct_update(current_works, has_fulltext := NULL)
        IS DISTINCT FROM struct_update(previous_works, has_fulltext := NULL)
    OR current_works.has_fulltext <> previous_works.has_fulltext
ORDER BY work_key
