-- One row is the subject: what was reported, what is held, and how much of it can be counted by year.
SELECT
    snapshot.works_reported,
    count(books.work_key) AS works,
    (SELECT count(*) FROM rejected_works) AS works_rejected,
    count(CASE WHEN books.year_status = 'ok' THEN 1 END) AS works_dated,
    count(CASE WHEN books.year_status = 'missing' THEN 1 END) AS works_year_missing,
    count(CASE WHEN books.year_status = 'implausible' THEN 1 END) AS works_year_implausible,
    count(CASE WHEN books.author_count = 0 THEN 1 END) AS works_without_author,
    (SELECT count(*) FROM authors) AS authors,
    min(CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END) AS first_year,
    max(CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END) AS last_year,
    snapshot.fetched_at,
    snapshot.source,
    nullif(snapshot.proven_by, '') AS proven_by,
    CASE WHEN snapshot.proven_by <> '' THEN snapshot.window_seconds END AS window_seconds
FROM snapshot
LEFT JOIN books ON TRUE
GROUP BY
    snapshot.works_reported, snapshot.fetched_at, snapshot.source, snapshot.proven_by, snapshot.window_seconds
