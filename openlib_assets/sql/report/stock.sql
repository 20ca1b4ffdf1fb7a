-- One row is a work of the stocking list, with how it does by each criterion. Of a large subject, only works that are
-- among the $most best by score, or the hundred best by one criterion.
WITH placed AS (
    SELECT
        *,
        row_number() OVER (ORDER BY demand DESC NULLS LAST, rank) AS demand_place,
        row_number() OVER (ORDER BY recency DESC NULLS LAST, rank) AS recency_place,
        row_number() OVER (ORDER BY author DESC NULLS LAST, rank) AS author_place
    FROM stocking_list
)
SELECT
    placed.rank,
    placed.work_key,
    placed.title,
    list_transform(works.first_authors, lambda listed: listed.key) AS author_keys,
    list_transform(works.first_authors, lambda listed: listed.name) AS author_names,
    works.author_count,
    placed.year,
    works.edition_count,
    placed.demand,
    placed.recency,
    placed.author,
    placed.no_free,
    placed.score,
    placed.in_store,
    placed.duplicate_of
FROM placed
JOIN works USING (work_key)
WHERE placed.rank <= $most OR demand_place <= 100 OR recency_place <= 100 OR author_place <= 100
ORDER BY placed.rank
