-- One row is an author with works in several subjects; those in most subjects come first.
WITH counts AS (
    SELECT work_authors.author_key, work_subjects.subject, count(*) AS works
    FROM work_authors
    JOIN work_subjects USING (work_key)
    GROUP BY work_authors.author_key, work_subjects.subject
),
bridges AS (
    SELECT author_key, count(*) AS subject_count, list(subject ORDER BY works DESC, subject) AS subjects
    FROM counts
    GROUP BY author_key
    HAVING count(*) > 1
)
SELECT
    bridges.author_key,
    authors.author_name,
    bridges.subject_count,
    authors.book_count AS works,
    bridges.subjects[:8] AS subjects
FROM bridges
JOIN authors USING (author_key)
ORDER BY bridges.subject_count DESC, authors.book_count DESC, bridges.author_key
LIMIT 200
