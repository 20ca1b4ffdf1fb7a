-- One row is one of the largest subjects. More than fifteen side by side cannot be told apart on a page.
SELECT subject
FROM subjects
ORDER BY works DESC, subject
LIMIT 15
