-- One row is a work as the last fetch of a subject saw it.
--
-- The ISBN to find it by is that of the edition to order, if the subject's order list has one, else the smallest.
WITH isbns AS (
    SELECT subject, work_key, min(isbn13) AS isbn13
    FROM fetched_work_isbns
    GROUP BY subject, work_key
)
SELECT
    books.* EXCLUDE (subject),
    details.* EXCLUDE (subject, work_key),
    coalesce(orders.isbn13, isbns.isbn13) AS isbn13,
    subject AS fetched_for,
    summary.fetched_at
FROM fetched_books AS books
JOIN fetched_subject_summary AS summary USING (subject)
LEFT JOIN fetched_work_details AS details USING (subject, work_key)
LEFT JOIN fetched_order_list AS orders USING (subject, work_key)
LEFT JOIN isbns USING (subject, work_key)
