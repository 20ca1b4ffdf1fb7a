-- One row is one of the `frequent_subjects` and a fetched subject that has works which list it: how many. Without a
-- subject (''): how many of all works, each once, however many fetched subjects have it.
WITH spellings AS (
    SELECT DISTINCT unnest(subjects) AS spelling
    FROM books
),
chosen AS (
    SELECT spelling, subject_key(spelling) AS key
    FROM spellings
    WHERE subject_key(spelling) IN (SELECT key FROM frequent_subjects)
),
listed AS (
    SELECT subject, work_key, unnest(subjects) AS spelling
    FROM books
)
SELECT chosen.key, coalesce(listed.subject, '') AS subject, count(DISTINCT listed.work_key) AS works
FROM listed
JOIN chosen USING (spelling)
GROUP BY GROUPING SETS ((chosen.key), (chosen.key, listed.subject))
