-- One row is an ISBN-13 of a work, as the search gave them last.
SELECT work_key, unnest(isbns) AS isbn13
FROM latest_details
ORDER BY work_key, isbn13
