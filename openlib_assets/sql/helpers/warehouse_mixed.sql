-- One row is a subject whose tables are not of one fetch: they are being made, or one of them could not be made.
WITH books AS (
    SELECT subject, work_key FROM fetched_books
),
ranked AS (
    SELECT subject, work_key FROM fetched_stocking_list
),
listed AS (
    SELECT fetched_for AS subject, work_key, count(*) AS authors
    FROM new_work_authors
    GROUP BY fetched_for, work_key
),
dated AS (
    SELECT subject, sum(author_count) AS pairs
    FROM fetched_books
    WHERE year_status = 'ok'
    GROUP BY subject
),
counted AS (
    SELECT subject, sum(book_count) AS pairs
    FROM fetched_author_yearly_counts
    GROUP BY subject
),
sizes AS (
    SELECT subject, count(*) AS works
    FROM books
    GROUP BY subject
),
mixed AS (
    SELECT subject FROM books ANTI JOIN ranked USING (subject, work_key)
    UNION ALL
    SELECT subject FROM ranked ANTI JOIN books USING (subject, work_key)
    UNION ALL
    SELECT subject FROM fetched_work_isbns ANTI JOIN books USING (subject, work_key)
    UNION ALL
    SELECT subject FROM listed ANTI JOIN books USING (subject, work_key)
    UNION ALL
    SELECT subject FROM fetched_order_list ANTI JOIN fetched_stocking_list USING (subject, work_key, rank)
    UNION ALL
    SELECT counts.subject
    FROM fetched_author_yearly_counts AS counts
    ANTI JOIN fetched_author_books USING (subject, author_key)
    UNION ALL
    SELECT books.subject
    FROM fetched_books AS books
    LEFT JOIN listed USING (subject, work_key)
    WHERE books.author_count <> coalesce(listed.authors, 0)
    UNION ALL
    SELECT summary.subject
    FROM fetched_subject_summary AS summary
    LEFT JOIN sizes USING (subject)
    LEFT JOIN dated USING (subject)
    LEFT JOIN counted USING (subject)
    WHERE summary.works <> coalesce(sizes.works, 0) OR coalesce(dated.pairs, 0) <> coalesce(counted.pairs, 0)
)
SELECT DISTINCT subject
FROM mixed
ORDER BY subject
