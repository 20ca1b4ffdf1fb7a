-- One row is a work of the dump.
SELECT
    work_key,
    title,
    first_publish_year,
    year_status,
    edition_count,
    author_count,
    has_fulltext,
    cover_id,
    subjects,
    author_keys,
    author_names
FROM work_documents
ORDER BY work_key
