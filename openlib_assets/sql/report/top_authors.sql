-- One row is one of the most productive authors: totals, averages, and the years with a book beside their counts.
WITH top AS (
    SELECT *
    FROM author_averages
    ORDER BY book_count DESC, dated_book_count DESC, author_key
    LIMIT 1000
),
years AS (
    SELECT
        author_yearly_counts.author_key,
        list(author_yearly_counts.year ORDER BY author_yearly_counts.year) AS years,
        list(author_yearly_counts.book_count ORDER BY author_yearly_counts.year) AS counts
    FROM author_yearly_counts
    JOIN top USING (author_key)
    GROUP BY author_yearly_counts.author_key
)
SELECT
    top.author_key,
    top.author_name,
    top.book_count,
    top.dated_book_count,
    top.avg_books_per_active_year,
    top.avg_books_per_calendar_year,
    top.first_year,
    top.last_year,
    coalesce(years.years, []) AS years,
    coalesce(years.counts, []) AS counts
FROM top
LEFT JOIN years USING (author_key)
ORDER BY top.book_count DESC, top.dated_book_count DESC, top.author_key
