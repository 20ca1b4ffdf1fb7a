-- One row is an author and a year in which they have at least one book.
--
-- For Snowflake: made from openlib_assets/sql/gold/author_yearly_counts.sql by `make docs`.
-- Change 'science_fiction', the subject, wherever it stands, and openlib, where the tables are.
WITH books AS (
    SELECT
        *
    FROM openlib.books
    WHERE
        subject = 'science_fiction'
), authors AS (
    SELECT
        *
    FROM openlib.authors
    WHERE
        subject = 'science_fiction'
), author_books AS (
    SELECT
        *
    FROM openlib.author_books
    WHERE
        subject = 'science_fiction'
)
SELECT
    author_books.author_key,
    authors.author_name,
    books.first_publish_year AS year,
    count(*) AS book_count
FROM author_books
JOIN books
    ON books.work_key = author_books.work_key
JOIN authors
    ON authors.author_key = author_books.author_key
WHERE
    books.year_status = 'ok'
GROUP BY
    author_books.author_key,
    authors.author_name,
    books.first_publish_year
ORDER BY
    author_books.author_key,
    year
