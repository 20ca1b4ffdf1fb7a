-- One row is a work that may be the same book as another; the surest come first.
SELECT work_key, title, into_work_key, into_title, rule, score
FROM possible_duplicate_books
ORDER BY score DESC, work_key
LIMIT 50
