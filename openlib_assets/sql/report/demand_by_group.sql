-- One row is a decade, a language or an author of works, or all works: how many works, how many the store sells or may
-- sell, how much they are in demand together, and of how many it is known what the search or the store says. Of each kind,
-- the $most with most demand.
--
-- Demand is added in ten thousandths, as whole numbers: the sum is the same whatever the order.
WITH ranked AS (
    SELECT
        listed.work_key,
        listed.year,
        listed.languages,
        listed.in_store,
        coalesce(round(10000 * listed.demand), 0)::BIGINT AS demand,
        details.want_to_read AS wanted
    FROM stocking_list AS listed
    LEFT JOIN work_details AS details USING (work_key)
),
members AS (
    SELECT 'all' AS kind, '' AS label, work_key FROM ranked
    UNION ALL
    SELECT 'decade', (year // 10 * 10)::VARCHAR, work_key FROM ranked WHERE year IS NOT NULL
    UNION ALL
    SELECT 'language', unnest(list_distinct(languages)), work_key FROM ranked
    UNION ALL
    SELECT 'author', author_key, work_key FROM author_books
),
counted AS (
    SELECT
        members.kind,
        members.label,
        count(*) AS works,
        count(*) FILTER (WHERE ranked.in_store = 'yes') AS sold,
        count(*) FILTER (WHERE ranked.in_store = 'review') AS maybe_sold,
        sum(ranked.demand)::BIGINT AS demand,
        sum(ranked.wanted)::BIGINT AS wanted,
        count(ranked.languages) AS with_details,
        count(ranked.in_store) AS compared
    FROM members
    JOIN ranked USING (work_key)
    GROUP BY members.kind, members.label
    QUALIFY row_number() OVER (PARTITION BY members.kind ORDER BY sum(ranked.demand) DESC, members.label) <= $most
)
SELECT counted.*, author_averages.author_name AS name
FROM counted
LEFT JOIN author_averages ON counted.kind = 'author' AND author_averages.author_key = counted.label
ORDER BY counted.kind, counted.demand DESC, counted.label
