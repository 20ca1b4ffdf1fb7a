-- One row is a subject that stands beside a fetched one: on how many of its works, in what share of them, and how many
-- times as often as by chance. Those that stand there most beyond chance come first.
--
-- Chance: its share in the works of all fetched subjects, each work once. Unknown where a single subject is fetched.
WITH sizes AS (
    SELECT subject, count(*) AS works
    FROM books
    GROUP BY subject
),
rates AS (
    SELECT key, works / (SELECT count(DISTINCT work_key) FROM books) AS rate
    FROM subject_occurrences
    WHERE subject = '' AND (SELECT count(*) FROM sizes) > 1
)
SELECT
    frequent_subjects.subject,
    frequent_subjects.key,
    frequent_subjects.name,
    frequent_subjects.works,
    frequent_subjects.works / sizes.works AS share,
    frequent_subjects.works / (sizes.works * rates.rate) AS lift,
    frequent_subjects.key IN (SELECT subject FROM sizes) AS fetched
FROM frequent_subjects
JOIN sizes USING (subject)
LEFT JOIN rates USING (key)
WHERE frequent_subjects.key <> frequent_subjects.subject
ORDER BY
    sizes.works DESC,
    frequent_subjects.subject,
    frequent_subjects.works - coalesce(sizes.works * rates.rate, 0) DESC,
    frequent_subjects.key
