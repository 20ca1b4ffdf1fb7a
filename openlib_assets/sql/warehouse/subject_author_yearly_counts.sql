-- One row is an author and a year in which they have at least one book of a subject.
SELECT subject, author_key, author_name, year, book_count
FROM stacked_yearly_counts
ORDER BY subject, author_key, year
