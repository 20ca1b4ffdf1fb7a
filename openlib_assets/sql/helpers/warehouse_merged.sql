-- What all subjects' fetches say together; no table of its own.

-- One row is a work, as the subject saw it that was fetched last.
CREATE TEMP TABLE latest AS
FROM observations
QUALIFY row_number() OVER (PARTITION BY work_key ORDER BY fetched_at DESC, subject) = 1;

-- One row is a work of which the search said something, as it did last.
CREATE TEMP TABLE latest_details AS
FROM observations
WHERE isbn_count IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY work_key ORDER BY fetched_at DESC, subject) = 1;

-- One row is an author of a work, at the first place where the work lists it.
CREATE TEMP TABLE listed_authors AS
SELECT work_key, author.author_key, author.author_position, author.author_name
FROM (SELECT work_key, unnest(authors) AS author FROM latest);

-- By the names that the tables of a subject have, by whose SQL some tables are made.
CREATE TEMP VIEW books AS FROM latest;
CREATE TEMP VIEW author_books AS SELECT author_key, work_key, author_position FROM listed_authors;
