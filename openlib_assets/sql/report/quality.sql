-- One row is the subject: what is missing or doubtful in its data.
SELECT
    count(*) AS works,
    count(*) FILTER (WHERE title IS NULL) AS without_title,
    count(*) FILTER (WHERE author_count = 0) AS without_author,
    count(*) FILTER (WHERE year_status = 'missing') AS year_missing,
    count(*) FILTER (WHERE year_status = 'implausible') AS year_implausible,
    count(*) FILTER (WHERE coalesce(edition_count, 0) <= 0) AS without_edition,
    count(*) FILTER (WHERE work_key LIKE '%M') AS orphaned_editions,
    (SELECT count(*) FROM authors) AS authors,
    (SELECT count(*) FROM authors WHERE author_name IS NULL) AS authors_without_name,
    (SELECT count(*) FROM authors WHERE first_year IS NOT NULL) AS authors_dated
FROM books
