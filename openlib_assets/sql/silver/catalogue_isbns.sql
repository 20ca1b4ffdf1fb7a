-- One row is an ISBN of an edition of a work.
SELECT work_key, unnest(isbn13) AS isbn13, edition_key
FROM catalogue_editions
ORDER BY work_key, isbn13, edition_key
