-- One row is a work and an ISBN-13 of one of its editions; what is no ISBN is dropped, and counted by a check.
SELECT DISTINCT work_key, isbn13_of(isbn) AS isbn13
FROM received_isbns
WHERE fault IS NULL
ORDER BY work_key, isbn13
