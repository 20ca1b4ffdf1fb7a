-- One row is a work: what a report asks of it, of its authors, and of its record in the snapshot.
--
-- edition_count: null where the record has none, or one that cannot be.
-- place:  that of its most productive author among all who have a dated book, the first having most; null without one.
-- access: how an e-book can be had at the Internet Archive. readable: by everybody; borrowable: one reader at a time;
--         restricted: scanned, for readers with a print disability or not lent; none: no scan. Whether a copy is on loan
--         right now changes by the hour and is not looked at.
WITH ranked_authors AS (
    SELECT
        author_key,
        author_name,
        book_count,
        CASE WHEN dated_book_count > 0 THEN row_number() OVER (ORDER BY dated_book_count DESC, author_key) END AS place
    FROM author_averages
),
work_authors AS (
    SELECT
        author_books.work_key,
        -- A list in order says the same, but DuckDB sorts each by itself: of many works, that is most of the time.
        arg_min(
            {'key': ranked_authors.author_key, 'name': ranked_authors.author_name}, author_books.author_position, 3
        ) AS first_authors,
        max(ranked_authors.book_count) AS author_book_count,
        min(ranked_authors.place) AS place
    FROM author_books
    JOIN ranked_authors USING (author_key)
    GROUP BY author_books.work_key
),
records AS (
    SELECT
        work_key,
        from_json(payload, '{"public_scan": "BOOLEAN", "lending_edition": "VARCHAR", "has_fulltext": "BOOLEAN"}') AS record
    FROM parseable_works
)
SELECT
    books.work_key,
    books.title,
    CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END AS year,
    CASE WHEN books.edition_count >= 0 THEN books.edition_count END AS edition_count,
    books.author_count,
    books.cover_id,
    coalesce(work_authors.first_authors, []) AS first_authors,
    work_authors.author_book_count,
    work_authors.place,
    CASE
        WHEN records.record.public_scan THEN 'readable'
        WHEN records.record.lending_edition <> '' THEN 'borrowable'
        WHEN records.record.has_fulltext THEN 'restricted'
        ELSE 'none'
    END AS access
FROM books
JOIN records USING (work_key)
LEFT JOIN work_authors USING (work_key)
