-- One row is a pair of subjects that share works or authors: how many; those that share most come first.
--
-- Only the first fifty, and all pairs of the largest subjects, which are drawn.
WITH authors_of_subjects AS (
    SELECT DISTINCT work_subjects.subject, work_authors.author_key
    FROM work_authors
    JOIN work_subjects USING (work_key)
),
shared_works AS (
    SELECT one.subject, other.subject AS other_subject, count(*) AS works
    FROM work_subjects AS one
    JOIN work_subjects AS other ON other.work_key = one.work_key AND other.subject > one.subject
    GROUP BY one.subject, other.subject
),
shared_authors AS (
    SELECT one.subject, other.subject AS other_subject, count(*) AS authors
    FROM authors_of_subjects AS one
    JOIN authors_of_subjects AS other ON other.author_key = one.author_key AND other.subject > one.subject
    GROUP BY one.subject, other.subject
),
shared AS (
    SELECT
        subject,
        other_subject,
        coalesce(shared_works.works, 0) AS works,
        coalesce(shared_authors.authors, 0) AS authors
    FROM shared_works
    FULL JOIN shared_authors USING (subject, other_subject)
),
ranked AS (
    SELECT *, row_number() OVER (ORDER BY works DESC, authors DESC, subject, other_subject) AS place
    FROM shared
)
SELECT
    ranked.subject,
    ranked.other_subject,
    ranked.works,
    ranked.authors,
    ranked.works / least(one.works, other.works) AS share_of_smaller
FROM ranked
JOIN subjects AS one ON one.subject = ranked.subject
JOIN subjects AS other ON other.subject = ranked.other_subject
WHERE ranked.place <= 50
    OR (ranked.subject IN (FROM largest_subjects) AND ranked.other_subject IN (FROM largest_subjects))
ORDER BY ranked.place
