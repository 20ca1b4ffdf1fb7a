-- One row is an author: how many books a year, over the years with a book and over all years from first to last.
--
-- For Databricks (Spark): made from openlib_assets/sql/gold/author_averages.sql by `make docs`.
-- Change 'science_fiction', the subject, wherever it stands, and openlib, where the tables are.
WITH authors AS (
    SELECT
        *
    FROM openlib.authors
    WHERE
        subject = 'science_fiction'
), author_yearly_counts AS (
    SELECT
        *
    FROM openlib.author_yearly_counts
    WHERE
        subject = 'science_fiction'
), dated AS (
    SELECT
        author_key,
        sum(book_count) AS dated_book_count,
        count(*) AS active_years
    FROM author_yearly_counts
    GROUP BY
        author_key
)
SELECT
    authors.author_key,
    authors.author_name,
    authors.book_count,
    coalesce(dated.dated_book_count, 0) AS dated_book_count,
    authors.first_year,
    authors.last_year,
    coalesce(dated.active_years, 0) AS active_years,
    authors.last_year - authors.first_year + 1 AS span_years,
    CAST(dated.dated_book_count AS DOUBLE) / dated.active_years AS avg_books_per_active_year,
    CAST(dated.dated_book_count AS DOUBLE) / (
        authors.last_year - authors.first_year + 1
    ) AS avg_books_per_calendar_year
FROM authors
LEFT JOIN dated
    ON dated.author_key = authors.author_key
ORDER BY
    authors.author_key NULLS LAST
