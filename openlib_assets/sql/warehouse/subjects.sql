-- One row is a subject that is fetched.
SELECT
    subject,
    CASE WHEN contains(subject, ':') THEN split_part(subject, ':', 1) ELSE 'subject' END AS kind,
    replace(CASE WHEN contains(subject, ':') THEN split_part(subject, ':', 2) ELSE subject END, '_', ' ') AS name,
    works,
    works_dated,
    authors,
    first_year,
    last_year,
    fetched_at,
    source
FROM summaries
ORDER BY subject
