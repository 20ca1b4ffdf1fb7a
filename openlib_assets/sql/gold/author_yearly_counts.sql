-- One row is an author and a year in which they have at least one book.
SELECT
    author_books.author_key,
    authors.author_name,
    books.first_publish_year AS year,
    count(*) AS book_count
FROM author_books
JOIN books ON books.work_key = author_books.work_key
JOIN authors ON authors.author_key = author_books.author_key
WHERE books.year_status = 'ok'
GROUP BY author_books.author_key, authors.author_name, books.first_publish_year
ORDER BY author_books.author_key, year
