-- One row is a subject of a work, of the subjects that are fetched.
SELECT subject, work_key
FROM fetched_books
