-- One row is an edition of a work; one without a work is one itself.
WITH filed AS (
    SELECT *, unnest(CASE WHEN array_length(work_keys) > 0 THEN work_keys ELSE [edition_key] END) AS work_key
    FROM dump_editions
    WHERE reason IS NULL
)
SELECT
    edition_key,
    work_key,
    title,
    isbn13,
    publishers,
    languages,
    format,
    pages,
    publish_date,
    publish_year,
    cover_id
FROM filed
ORDER BY work_key, edition_key
