-- One row is a work as the last fetch of a subject saw it, with its ISBNs, and with its authors as listed, in order.
WITH listed AS (
    SELECT
        subject,
        work_key,
        from_json(fit_for_parsing(payload), '{"authors": [{"name": "VARCHAR"}]}').authors AS authors
    FROM fresh_raw_works
),
of_authors AS (
    SELECT
        author_books.subject,
        author_books.work_key,
        list(
            {
                'author_key': author_books.author_key,
                'author_position': author_books.author_position,
                'author_name': listed.authors[author_books.author_position].name
            }
            ORDER BY author_books.author_position
        ) AS authors
    FROM fresh_author_books AS author_books
    JOIN listed USING (subject, work_key)
    GROUP BY author_books.subject, author_books.work_key
),
of_isbns AS (
    SELECT subject, work_key, list(isbn13 ORDER BY isbn13) AS isbns
    FROM fresh_work_isbns
    GROUP BY subject, work_key
)
SELECT
    books.*,
    details.* EXCLUDE (subject, work_key),
    summary.fetched_at,
    coalesce(of_isbns.isbns, []) AS isbns,
    coalesce(of_authors.authors, []) AS authors
FROM fresh_books AS books
JOIN fresh_subject_summary AS summary USING (subject)
LEFT JOIN fresh_work_details AS details USING (subject, work_key)
LEFT JOIN of_isbns USING (subject, work_key)
LEFT JOIN of_authors USING (subject, work_key)
