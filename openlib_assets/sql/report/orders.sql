-- One row is a work to order, with its edition, or one that the store sells or may sell: of either, the first $most.
--
-- Without an order list (not $has_order_list), what is to be ordered is what it would begin with, in any language.
WITH ranked AS (
    SELECT
        listed.*,
        orders.work_key IS NOT NULL AS on_order_list,
        CASE
            WHEN $has_order_list THEN on_order_list
            ELSE coalesce(listed.in_store, 'no') = 'no' AND listed.duplicate_of IS NULL
        END AS to_order,
        orders.edition_key,
        orders.isbn13,
        orders.title AS edition_title,
        orders.publisher,
        orders.publish_date,
        orders.language,
        coalesce(orders.reason, listed.reason) AS why
    FROM stocking_list AS listed
    LEFT JOIN order_list AS orders USING (work_key)
)
SELECT
    ranked.rank,
    ranked.work_key,
    coalesce(ranked.edition_title, ranked.title) AS title,
    list_transform(works.first_authors, lambda listed: listed.key) AS author_keys,
    list_transform(works.first_authors, lambda listed: listed.name) AS author_names,
    works.author_count,
    ranked.to_order,
    ranked.on_order_list,
    ranked.edition_key,
    ranked.isbn13,
    ranked.publisher,
    ranked.publish_date,
    -- That of the edition where there is one, else the first few of all its editions.
    CASE WHEN ranked.language IS NULL THEN coalesce(ranked.languages, [])[:5] ELSE [ranked.language] END AS languages,
    -- As in gold/stocking_list.sql.
    CASE WHEN details.languages IS NOT NULL THEN greatest(0, coalesce(details.want_to_read, 0)) END AS wanted,
    CASE
        WHEN details.languages IS NOT NULL
            THEN greatest(0, coalesce(details.currently_reading, 0)) + greatest(0, coalesce(details.already_read, 0))
    END AS readers,
    details.ratings_average AS rating,
    details.ratings_count AS ratings,
    works.edition_count,
    works.cover_id,
    ranked.in_store,
    ranked.why AS reason
FROM ranked
JOIN works USING (work_key)
LEFT JOIN work_details AS details USING (work_key)
WHERE ranked.to_order OR ranked.in_store IN ('yes', 'review')
QUALIFY row_number() OVER (PARTITION BY ranked.to_order ORDER BY ranked.rank) <= $most
ORDER BY ranked.rank
