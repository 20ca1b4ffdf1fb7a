-- One row is an edition to order of a work that came into a subject.
SELECT
    orders.subject,
    orders.rank,
    orders.work_key,
    orders.edition_key,
    orders.isbn13,
    orders.title,
    orders.author_names,
    orders.score,
    count(*) OVER (PARTITION BY orders.subject) AS total
FROM order_list AS orders
JOIN news
    ON news.subject = orders.subject
    AND news.work_key = orders.work_key
    AND news.change = 'added'
QUALIFY row_number() OVER (PARTITION BY orders.subject ORDER BY orders.rank) <= (SELECT most FROM asked)
ORDER BY orders.subject, orders.rank
