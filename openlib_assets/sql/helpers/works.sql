-- Helpers for reading the works that can be used; no table of their own.

-- One row is a bronze record that was not set aside.
CREATE OR REPLACE TEMP VIEW parseable_works AS
SELECT received_works.work_key, received_works.payload
FROM received_works
ANTI JOIN rejected_works USING (work_key);

-- One row is a work: what its record lists as authors, if anything.
CREATE OR REPLACE TEMP VIEW parsed_authors AS
SELECT work_key, from_json(payload, '{"authors": [{"key": "VARCHAR", "name": "VARCHAR"}]}').authors AS authors
FROM parseable_works;

-- One row is a place in a work's list of authors, from 1; an author listed twice has two, one without a key has none.
CREATE OR REPLACE TEMP VIEW listed_authors AS
WITH numbered_authors AS (
    SELECT work_key, unnest(authors) AS author, generate_subscripts(authors, 1) AS author_position
    FROM parsed_authors
)
SELECT
    work_key,
    author_position,
    replace(author.key, '/authors/', '') AS author_key,
    author.name AS author_name
FROM numbered_authors
WHERE author.key IS NOT NULL;

-- One row is a work that lists authors: their keys, in order and with repeats.
CREATE OR REPLACE TEMP VIEW author_lists AS
SELECT
    work_key,
    list_transform(
        list_filter(authors, lambda author: author.key IS NOT NULL), lambda author: replace(author.key, '/authors/', '')
    ) AS author_keys
FROM parsed_authors
WHERE array_length(authors) > 0;
