-- One row is a number of authors, the most productive first: how many dated books are by at least one of them.
SELECT place AS authors, CAST(sum(count(*)) OVER (ORDER BY place) AS BIGINT) AS books
FROM works
WHERE year IS NOT NULL AND place IS NOT NULL
GROUP BY place
ORDER BY place
