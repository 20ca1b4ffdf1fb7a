-- One row is a way to an e-book that works have: how many.
SELECT access, count(*) AS books
FROM works
GROUP BY access
