-- One row is a number of authors, the most productive first: how many dated books are by at least one of them.
WITH ranked AS (
    SELECT author_key, row_number() OVER (ORDER BY dated_book_count DESC, author_key) AS place
    FROM author_averages
    WHERE dated_book_count > 0
),
first_places AS (
    SELECT min(ranked.place) AS place
    FROM books
    JOIN author_books USING (work_key)
    JOIN ranked USING (author_key)
    WHERE books.year_status = 'ok'
    GROUP BY books.work_key
)
SELECT place AS authors, CAST(sum(count(*)) OVER (ORDER BY place) AS BIGINT) AS books
FROM first_places
GROUP BY place
ORDER BY place
