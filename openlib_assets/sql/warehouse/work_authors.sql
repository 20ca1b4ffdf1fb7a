-- One row is an author of a work, at the first place where the work lists it.
SELECT author_key, work_key, author_position
FROM listed_authors
ORDER BY author_key, work_key
