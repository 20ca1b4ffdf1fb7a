-- One row is an author of the dump and a year in which they have at least one book.
WITH listed AS (
    SELECT unnest(list_distinct(author_keys)) AS author_key, first_publish_year AS year
    FROM catalogue_works
    WHERE year_status = 'ok'
),
counted AS (
    SELECT author_key, year, count(*) AS book_count
    FROM listed
    GROUP BY author_key, year
)
SELECT author_key, nonblank(name) AS author_name, year, book_count
FROM counted
JOIN catalogue_authors USING (author_key)
ORDER BY author_key, year
