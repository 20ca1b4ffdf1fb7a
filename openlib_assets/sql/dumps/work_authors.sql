-- One row is an author at a place in the list of a work. Who is no author any more is left out: Open Library does not
-- follow redirects here.
WITH listed AS (
    SELECT
        work_key,
        unnest(
            list_transform(author_keys, lambda author_key, place: {'place': place, 'author_key': author_key})
        ) AS author
    FROM work_records
)
SELECT work_key, author.place AS place, author.author_key AS author_key, coalesce(name, '') AS name
FROM listed
JOIN catalogue_authors ON catalogue_authors.author_key = author.author_key
ORDER BY work_key, place
