-- One row is a subject: its size, how much of it can be counted by year, how it grows, and what changed last.
--
-- middle_years: the years at the 5th and the 95th percentile of its dated works, by nearest rank; null without one.
WITH years AS (
    SELECT
        books.subject,
        count(*) FILTER (
            WHERE books.year_status = 'ok'
            AND books.first_publish_year BETWEEN year(subject_summary.fetched_at) - 9 AND year(subject_summary.fetched_at)
        ) AS books_recent,
        count(*) FILTER (
            WHERE books.year_status = 'ok'
            AND books.first_publish_year BETWEEN year(subject_summary.fetched_at) - 19 AND year(subject_summary.fetched_at) - 10
        ) AS books_before,
        quantile_disc(books.first_publish_year, [0.05, 0.95]) FILTER (WHERE books.year_status = 'ok') AS middle_years,
        count(*) FILTER (WHERE books.has_fulltext) AS works_scanned
    FROM books
    JOIN subject_summary USING (subject)
    GROUP BY books.subject
),
changes AS (
    SELECT
        subject,
        count(*) FILTER (WHERE change = 'added') AS added,
        count(*) FILTER (WHERE change = 'removed') AS removed
    FROM subject_changes
    GROUP BY subject
)
SELECT
    subject_summary.subject,
    subject_summary.works,
    subject_summary.works_rejected,
    subject_summary.works_reported,
    subject_summary.authors,
    subject_summary.works_dated,
    subject_summary.first_year,
    subject_summary.last_year,
    years.middle_years,
    coalesce(years.books_recent, 0) AS books_recent,
    coalesce(years.books_before, 0) AS books_before,
    coalesce(years.works_scanned, 0) AS works_scanned,
    coalesce(changes.added, 0) AS added,
    coalesce(changes.removed, 0) AS removed,
    strftime(subject_summary.fetched_at, '%Y-%m-%d') AS fetched_on
FROM subject_summary
LEFT JOIN years USING (subject)
LEFT JOIN changes USING (subject)
ORDER BY subject_summary.works DESC, subject_summary.subject
