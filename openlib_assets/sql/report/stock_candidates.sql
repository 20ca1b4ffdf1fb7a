-- One row is a work to consider for the shelves: what is known of it, and how it does by each criterion, from 0 to 1.
--
-- demand:  editions, on a logarithmic scale up to the work with most of them: publishers reprint what sells.
-- recency: 1 for a work of the snapshot's year ($year), falling evenly to 0 fifty years before; 0 without a usable year.
-- author:  books here of its most productive author, on a logarithmic scale.
-- no_free: 1 where no e-book can be read or borrowed, 0.5 where one can be borrowed, 0 where everybody can read it.
--
-- Of a large subject, only works that are among the best by the default weights ($demand and so on) or by one criterion.
WITH criteria AS (
    SELECT
        work_key,
        title,
        first_authors,
        author_count,
        year,
        edition_count,
        access,
        ln(1 + edition_count) / ln(1 + greatest(1, max(edition_count) OVER ())) AS demand,
        coalesce(least(1, greatest(0, 1 - ($year - year) / 50)), 0) AS recency,
        coalesce(ln(1 + author_book_count) / ln(1 + max(author_book_count) OVER ()), 0) AS author,
        CASE access WHEN 'readable' THEN 0e0 WHEN 'borrowable' THEN 0.5e0 ELSE 1e0 END AS no_free
    FROM works
),
scored AS (
    SELECT *, $demand * demand + $recency * recency + $author * author + $no_free * no_free AS score
    FROM criteria
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
SELECT
    work_key,
    title,
    list_transform(first_authors, lambda listed: listed.key) AS author_keys,
    list_transform(first_authors, lambda listed: listed.name) AS author_names,
    author_count,
    year,
    edition_count,
    access,
    demand,
    recency,
    author,
    no_free
FROM ranked
WHERE place <= 700 OR demand_place <= 100 OR recency_place <= 100 OR author_place <= 100
ORDER BY place
