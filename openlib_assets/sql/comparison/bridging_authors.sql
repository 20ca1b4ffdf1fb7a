-- One row is an author with works in several subjects; those in most subjects come first.
WITH bridges AS (
    SELECT author_key, count(*) AS subject_count, list(subject ORDER BY book_count DESC, subject) AS subjects
    FROM authors
    GROUP BY author_key
    HAVING count(*) > 1
),
works AS (
    SELECT author_key, count(DISTINCT work_key) AS works
    FROM author_books
    JOIN bridges USING (author_key)
    GROUP BY author_key
),
names AS (
    SELECT author_key, arg_max(author_name, (book_count, subject)) AS author_name
    FROM authors
    GROUP BY author_key
)
SELECT bridges.author_key, names.author_name, bridges.subject_count, works.works, bridges.subjects[:8] AS subjects
FROM bridges
JOIN works USING (author_key)
JOIN names USING (author_key)
ORDER BY bridges.subject_count DESC, works.works DESC, bridges.author_key
LIMIT 200
