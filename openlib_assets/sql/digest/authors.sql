-- One row is an author of works that came into a subject, of whom no other work is known in any subject. A work that came
-- as one of the same title went is taken for the same work under another key, whose authors are not new.
WITH added AS (
    SELECT news.subject, news.work_key
    FROM news
    ANTI JOIN (FROM news WHERE change = 'removed') AS removed
        ON removed.subject = news.subject
        AND lower(removed.title) = lower(news.title)
    WHERE news.change = 'added'
),
known_before AS (
    SELECT DISTINCT work_authors.author_key
    FROM work_subjects
    ANTI JOIN added ON added.subject = work_subjects.subject AND added.work_key = work_subjects.work_key
    JOIN work_authors ON work_authors.work_key = work_subjects.work_key
),
found AS (
    SELECT added.subject, work_authors.author_key, count(*) AS works
    FROM added
    JOIN work_authors USING (work_key)
    ANTI JOIN known_before ON known_before.author_key = work_authors.author_key
    GROUP BY added.subject, work_authors.author_key
)
SELECT
    found.subject,
    found.author_key,
    authors.author_name,
    found.works,
    count(*) OVER (PARTITION BY found.subject) AS total
FROM found
JOIN authors USING (author_key)
QUALIFY row_number() OVER (
    PARTITION BY found.subject ORDER BY found.works DESC, authors.author_name NULLS LAST, found.author_key
) <= (SELECT most FROM asked)
ORDER BY found.subject, found.works DESC, authors.author_name NULLS LAST, found.author_key
