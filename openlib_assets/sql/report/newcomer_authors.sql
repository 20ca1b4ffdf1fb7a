-- One row is an author whose first dated book here is of the last ten years; the most productive come first.
SELECT authors.author_key, authors.author_name, authors.first_year, authors.book_count
FROM authors
CROSS JOIN snapshot
WHERE authors.first_year BETWEEN snapshot.snapshot_year - 9 AND snapshot.snapshot_year
ORDER BY authors.book_count DESC, authors.first_year DESC, authors.author_key
LIMIT 15
