-- One row is a subject: its size, how much of it can be counted by year, how it grows, and what changed last.
--
-- middle_years: the years at the 5th and the 95th percentile of its dated works, by nearest rank; null without one.
WITH years AS (
    SELECT
        books.subject,
        count(*) FILTER (
            WHERE books.year_status = 'ok'
            AND books.first_publish_year BETWEEN year(subjects.fetched_at) - 9 AND year(subjects.fetched_at)
        ) AS books_recent,
        count(*) FILTER (
            WHERE books.year_status = 'ok'
            AND books.first_publish_year BETWEEN year(subjects.fetched_at) - 19 AND year(subjects.fetched_at) - 10
        ) AS books_before,
        quantile_disc(books.first_publish_year, [0.05, 0.95]) FILTER (WHERE books.year_status = 'ok') AS middle_years,
        -- Of a dump's works nothing is known of scans, save of those that a subject of the API has, too.
        CASE
            WHEN count(books.has_fulltext) > 0 AND NOT starts_with(any_value(subjects.source), 'dump:')
                THEN count(*) FILTER (WHERE books.has_fulltext)
        END AS works_scanned
    FROM books
    JOIN subjects USING (subject)
    GROUP BY books.subject
),
changes AS (
    SELECT subject, works_added, works_removed
    FROM subject_history
    QUALIFY row_number() OVER (PARTITION BY subject ORDER BY snapshot DESC) = 1
)
SELECT
    subjects.subject,
    subjects.works,
    subjects.works_rejected,
    subjects.works_reported,
    subjects.authors,
    subjects.works_dated,
    subjects.first_year,
    subjects.last_year,
    years.middle_years,
    coalesce(years.books_recent, 0) AS books_recent,
    coalesce(years.books_before, 0) AS books_before,
    years.works_scanned,
    coalesce(changes.works_added, 0) AS added,
    coalesce(changes.works_removed, 0) AS removed,
    coalesce(
        'dump of ' || nullif(regexp_extract(subjects.source, '^dump:([0-9-]+)/', 1), ''),
        'API, ' || strftime(subjects.fetched_at, '%Y-%m-%d')
    ) AS source
FROM subjects
LEFT JOIN years USING (subject)
LEFT JOIN changes USING (subject)
ORDER BY subjects.works DESC, subjects.subject
