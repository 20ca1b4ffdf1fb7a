-- One row is a group of authors, by how many years before the snapshot their last dated book here is.
WITH quiet AS (
    SELECT snapshot.snapshot_year - authors.last_year AS years
    FROM authors
    CROSS JOIN snapshot
)
SELECT spans.label, count(quiet.*) AS authors
FROM (
    VALUES
        (1, 'last 5 years', -1000, 4),
        (2, '5 to 9 years ago', 5, 9),
        (3, '10 to 19 years ago', 10, 19),
        (4, '20 or more years ago', 20, 10000),
        (5, 'no dated book', NULL, NULL)
) AS spans(place, label, least, most)
LEFT JOIN quiet ON quiet.years BETWEEN spans.least AND spans.most OR (quiet.years IS NULL AND spans.least IS NULL)
GROUP BY spans.place, spans.label
ORDER BY spans.place
