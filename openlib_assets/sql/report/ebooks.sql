-- One row is a way to an e-book: how many works have it.
SELECT ways.access, count(ebook_access.work_key) AS books
FROM (VALUES (1, 'readable'), (2, 'borrowable'), (3, 'restricted'), (4, 'none')) AS ways(place, access)
LEFT JOIN ebook_access ON ebook_access.access = ways.access
GROUP BY ways.place, ways.access
ORDER BY ways.place
