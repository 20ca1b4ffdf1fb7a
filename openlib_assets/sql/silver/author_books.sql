-- One row is an author of a work; an author listed twice on it counts once, at the first place.
SELECT
    author_key,
    work_key,
    min(author_position) AS author_position
FROM listed_authors
GROUP BY author_key, work_key
ORDER BY author_key, work_key
