-- One row is a subject that is not fetched and that many works of the fetched ones list, each counted once: how many, in
-- how many of the subjects, and the subject with most of them.
WITH places AS (
    SELECT key, count(*) AS subject_count, arg_min(subject, (-works, subject)) AS beside, max(works) AS works_beside
    FROM subject_occurrences
    WHERE subject <> ''
    GROUP BY key
)
SELECT
    frequent_subjects.key,
    frequent_subjects.name,
    frequent_subjects.works,
    frequent_subjects.works / (SELECT count(DISTINCT work_key) FROM books) AS share,
    places.subject_count,
    places.beside,
    places.works_beside
FROM frequent_subjects
JOIN places USING (key)
WHERE frequent_subjects.subject = '' AND frequent_subjects.key NOT IN (SELECT subject FROM books)
ORDER BY frequent_subjects.works DESC, frequent_subjects.key
