-- One row is an author of the dump.
SELECT author_key, name, birth_date, death_date
FROM dump_authors
WHERE reason IS NULL
ORDER BY author_key
