-- One row is a subject that is fetched.
SELECT
    subject,
    CASE WHEN contains(subject, ':') THEN split_part(subject, ':', 1) ELSE 'subject' END AS kind,
    replace(CASE WHEN contains(subject, ':') THEN split_part(subject, ':', 2) ELSE subject END, '_', ' ') AS name,
    * EXCLUDE (subject)
FROM fetched_subject_summary
