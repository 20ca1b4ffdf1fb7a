-- One row is a group of works, by how many editions Open Library knows of each.
SELECT sizes.label, count(books.work_key) AS books
FROM (
    VALUES
        (1, 'none', 0, 0),
        (2, '1', 1, 1),
        (3, '2 to 4', 2, 4),
        (4, '5 to 9', 5, 9),
        (5, '10 to 49', 10, 49),
        (6, '50 or more', 50, 1000000000)
) AS sizes(place, label, least, most)
LEFT JOIN books ON greatest(0, books.edition_count) BETWEEN sizes.least AND sizes.most
GROUP BY sizes.place, sizes.label
ORDER BY sizes.place
