-- One row is a pair of subjects that share works or authors: how many; those that share most come first.
WITH shared_works AS (
    SELECT one.subject, other.subject AS other_subject, count(*) AS works
    FROM books AS one
    JOIN books AS other ON other.work_key = one.work_key AND other.subject > one.subject
    GROUP BY one.subject, other.subject
),
shared_authors AS (
    SELECT one.subject, other.subject AS other_subject, count(*) AS authors
    FROM authors AS one
    JOIN authors AS other ON other.author_key = one.author_key AND other.subject > one.subject
    GROUP BY one.subject, other.subject
)
SELECT
    subject,
    other_subject,
    coalesce(shared_works.works, 0) AS works,
    coalesce(shared_authors.authors, 0) AS authors,
    coalesce(shared_works.works, 0) / least(one.works, other.works) AS share_of_smaller
FROM shared_works
FULL JOIN shared_authors USING (subject, other_subject)
JOIN subject_summary AS one USING (subject)
JOIN subject_summary AS other ON other.subject = other_subject
ORDER BY works DESC, authors DESC, subject, other_subject
LIMIT 500
