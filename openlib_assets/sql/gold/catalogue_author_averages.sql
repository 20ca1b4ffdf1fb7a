-- One row is an author of the dump with at least one book.
WITH listed AS (
    SELECT unnest(list_distinct(author_keys)) AS author_key
    FROM catalogue_works
),
books AS (
    SELECT author_key, count(*) AS book_count
    FROM listed
    GROUP BY author_key
),
dated AS (
    SELECT
        author_key,
        sum(book_count)::BIGINT AS dated_book_count,
        min(year) AS first_year,
        max(year) AS last_year,
        count(*) AS active_years
    FROM catalogue_author_yearly_counts
    GROUP BY author_key
)
SELECT
    author_key,
    nonblank(name) AS author_name,
    book_count,
    coalesce(dated_book_count, 0) AS dated_book_count,
    first_year,
    last_year,
    coalesce(active_years, 0) AS active_years,
    last_year - first_year + 1 AS span_years,
    dated_book_count / active_years AS avg_books_per_active_year,
    dated_book_count / (last_year - first_year + 1) AS avg_books_per_calendar_year
FROM books
JOIN catalogue_authors USING (author_key)
LEFT JOIN dated USING (author_key)
ORDER BY author_key
