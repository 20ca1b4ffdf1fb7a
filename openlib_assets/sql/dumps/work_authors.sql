-- One row is an author at a place in the list of a work. Who is no author any more is left out: Open Library does not
-- follow redirects here.
WITH listed AS (
    SELECT work_key, unnest(author_keys) AS author_key, generate_subscripts(author_keys, 1) AS place
    FROM work_records
)
SELECT work_key, place, author_key, coalesce(name, '') AS name
FROM listed
JOIN catalogue_authors USING (author_key)
ORDER BY work_key, place
