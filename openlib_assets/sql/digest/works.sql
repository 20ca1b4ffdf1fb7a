-- One row is one of the first works that came or went in each subject; of one that went, only key and title are left.
WITH named AS (
    SELECT
        work_authors.work_key,
        list(authors.author_name ORDER BY work_authors.author_position)
            FILTER (WHERE authors.author_name IS NOT NULL) AS author_names
    FROM (SELECT DISTINCT work_key FROM news) AS wanted
    JOIN work_authors USING (work_key)
    JOIN authors USING (author_key)
    GROUP BY work_authors.work_key
),
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY subject, change ORDER BY title NULLS LAST, work_key) AS place
    FROM news
)
SELECT
    ranked.subject,
    ranked.change,
    ranked.work_key,
    ranked.title,
    coalesce(named.author_names, []) AS author_names,
    CASE WHEN works.year_status = 'ok' THEN works.first_publish_year END AS year
FROM ranked
LEFT JOIN named USING (work_key)
LEFT JOIN works USING (work_key)
WHERE ranked.place <= (SELECT most FROM asked)
ORDER BY ranked.subject, ranked.change, ranked.place
