-- One row is one of the ten years up to that of the snapshot: the authors whose first dated book here is of that year.
SELECT recent.year, count(authors.author_key) AS newcomers
FROM (SELECT unnest(range(snapshot_year - 9, snapshot_year + 1)) AS year FROM snapshot) AS recent
LEFT JOIN authors ON authors.first_year = recent.year
GROUP BY recent.year
ORDER BY recent.year
