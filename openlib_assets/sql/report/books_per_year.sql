-- One row is a year in which a dated work was first published.
SELECT first_publish_year AS year, count(*) AS books
FROM books
WHERE year_status = 'ok'
GROUP BY first_publish_year
ORDER BY first_publish_year
