-- One row is a subject whose tables are not of one fetch: they are being made, or one of them could not be made.
WITH books AS (
    SELECT subject, work_key FROM fresh_books
),
ranked AS (
    SELECT subject, work_key FROM fresh_stocking_list
),
mixed AS (
    SELECT subject FROM books ANTI JOIN ranked USING (subject, work_key)
    UNION ALL
    SELECT subject FROM ranked ANTI JOIN books USING (subject, work_key)
    UNION ALL
    SELECT subject FROM fresh_work_isbns ANTI JOIN books USING (subject, work_key)
    UNION ALL
    SELECT subject FROM fresh_author_books ANTI JOIN books USING (subject, work_key)
    UNION ALL
    SELECT subject FROM fresh_order_list ANTI JOIN fresh_stocking_list USING (subject, work_key, rank)
    UNION ALL
    SELECT subject FROM fresh_author_yearly_counts ANTI JOIN fresh_author_books USING (subject, author_key)
    UNION ALL
    SELECT subject FROM fresh_observations WHERE len(authors) <> author_count
    UNION ALL
    SELECT subject
    FROM fresh_subject_summary AS summary
    WHERE works <> (SELECT count(*) FROM books WHERE books.subject = summary.subject)
        OR (
            SELECT coalesce(sum(counts.book_count), 0)
            FROM fresh_author_yearly_counts AS counts
            WHERE counts.subject = summary.subject
        ) <> (
            SELECT coalesce(sum(author_count), 0)
            FROM fresh_observations AS observations
            WHERE observations.subject = summary.subject AND year_status = 'ok'
        )
)
SELECT DISTINCT subject
FROM mixed
ORDER BY subject
