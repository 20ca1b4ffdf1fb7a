-- One row is a work, as the subject saw it that was fetched last; its details are the last that the search gave.
--
-- The ISBN to find it by: that of the edition to order where an order list has one (of the subject fetched last), else
-- the smallest that no other work has, else the smallest.
WITH isbns AS (
    SELECT work_key, unnest(isbns) AS isbn13
    FROM latest_details
),
claimed AS (
    SELECT isbn13, count(*) AS works
    FROM isbns
    GROUP BY isbn13
),
best AS (
    SELECT work_key, arg_min(isbn13, (claimed.works > 1, isbn13)) AS isbn13
    FROM isbns
    JOIN claimed USING (isbn13)
    GROUP BY work_key
),
to_order AS (
    SELECT orders.work_key, arg_min(orders.isbn13, (-epoch_us(summaries.fetched_at), subject)) AS isbn13
    FROM stacked_order_list AS orders
    JOIN summaries USING (subject)
    WHERE orders.isbn13 IS NOT NULL
    GROUP BY orders.work_key
)
SELECT
    latest.work_key,
    latest.title,
    latest.first_publish_year,
    latest.year_status,
    latest.edition_count,
    latest.author_count,
    latest.has_fulltext,
    latest.cover_id,
    latest.subjects,
    details.subtitle,
    details.languages,
    details.publishers,
    details.formats,
    details.pages_median,
    details.ratings_average,
    details.ratings_count,
    details.want_to_read,
    details.currently_reading,
    details.already_read,
    details.ebook_access,
    details.isbn_count,
    coalesce(to_order.isbn13, best.isbn13) AS isbn13,
    latest.subject AS fetched_for,
    latest.fetched_at
FROM latest
LEFT JOIN latest_details AS details USING (work_key)
LEFT JOIN best USING (work_key)
LEFT JOIN to_order USING (work_key)
ORDER BY work_key
