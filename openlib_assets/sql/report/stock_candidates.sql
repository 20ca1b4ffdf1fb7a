-- One row is a work to consider for the shelves: what is known of it, and how it does by each criterion, from 0 to 1.
--
-- demand:  editions, on a logarithmic scale up to the work with most of them: publishers reprint what sells.
-- recency: 1 for a work of the snapshot's year, falling evenly to 0 fifty years before; 0 without a usable year.
-- author:  books here of its most productive author, on a logarithmic scale.
-- no_free: 1 where no e-book can be read or borrowed, 0.5 where one can be borrowed, 0 where everybody can read it.
--
-- Of a large subject, only works that are among the best by the default weights or by one criterion.
WITH work_authors AS (
    SELECT
        author_books.work_key,
        list(authors.author_key ORDER BY author_books.author_position)[:3] AS author_keys,
        list(authors.author_name ORDER BY author_books.author_position)[:3] AS author_names,
        count(*) AS author_count,
        max(authors.book_count) AS book_count
    FROM author_books
    JOIN authors USING (author_key)
    GROUP BY author_books.work_key
),
criteria AS (
    SELECT
        books.work_key,
        books.title,
        coalesce(work_authors.author_keys, []) AS author_keys,
        coalesce(work_authors.author_names, []) AS author_names,
        coalesce(work_authors.author_count, 0) AS author_count,
        CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END AS year,
        greatest(0, books.edition_count) AS edition_count,
        ebook_access.access,
        coalesce(ln(1 + greatest(0, books.edition_count)) / ln(1 + greatest(1, max(books.edition_count) OVER ())), 0) AS demand,
        coalesce(least(1, greatest(0, 1 - (snapshot.snapshot_year - year) / 50)), 0) AS recency,
        coalesce(
            ln(1 + work_authors.book_count) / ln(1 + (SELECT greatest(1, max(book_count)) FROM authors)), 0
        ) AS author,
        CASE ebook_access.access WHEN 'readable' THEN 0e0 WHEN 'borrowable' THEN 0.5e0 ELSE 1e0 END AS no_free
    FROM books
    JOIN ebook_access USING (work_key)
    LEFT JOIN work_authors USING (work_key)
    CROSS JOIN snapshot
),
scored AS (
    SELECT
        criteria.*,
        weights.demand * criteria.demand + weights.recency * criteria.recency + weights.author * criteria.author
            + weights.no_free * criteria.no_free AS score
    FROM criteria
    CROSS JOIN weights
),
ranked AS (
    SELECT
        *,
        row_number() OVER (ORDER BY score DESC, work_key) AS place,
        row_number() OVER (ORDER BY demand DESC, work_key) AS demand_place,
        row_number() OVER (ORDER BY recency DESC, demand DESC, work_key) AS recency_place,
        row_number() OVER (ORDER BY author DESC, demand DESC, work_key) AS author_place
    FROM scored
)
SELECT * EXCLUDE (score, place, demand_place, recency_place, author_place)
FROM ranked
WHERE place <= 700 OR demand_place <= 100 OR recency_place <= 100 OR author_place <= 100
ORDER BY place
