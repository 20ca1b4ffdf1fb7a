-- One row is a year that cannot be right, or no year at all: how many works have it.
SELECT year_status, first_publish_year AS year, count(*) AS books
FROM books
WHERE year_status <> 'ok'
GROUP BY year_status, first_publish_year
ORDER BY year_status DESC, books DESC, year
