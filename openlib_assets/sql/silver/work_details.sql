-- One row is a work of the subject, with what the search says of it; nothing but its key where the search has no document.
--
-- Open Library sends an average of 0 where nobody rated.
WITH isbn_counts AS (
    SELECT work_key, count(*) AS isbn_count
    FROM work_isbns
    GROUP BY work_key
)
SELECT
    books.work_key,
    documents.subtitle,
    documents.languages,
    documents.publishers,
    documents.formats,
    documents.pages_median,
    CASE WHEN documents.ratings_count > 0 THEN documents.ratings_average END AS ratings_average,
    documents.ratings_count,
    documents.want_to_read,
    documents.currently_reading,
    documents.already_read,
    documents.ebook_access,
    CASE WHEN documents.work_key IS NOT NULL THEN coalesce(isbn_counts.isbn_count, 0) END AS isbn_count
FROM books
LEFT JOIN documents USING (work_key)
LEFT JOIN isbn_counts USING (work_key)
ORDER BY books.work_key
