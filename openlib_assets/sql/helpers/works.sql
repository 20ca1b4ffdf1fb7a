-- Helpers for reading bronze; no table of their own.

-- One row is a bronze record whose JSON text is fit for parsing.
-- A lone surrogate (half of a character, \ud800 to \udfff) is legal in JSON text but in no UTF-8 column: each becomes
-- U+FFFD. The first replacement marks every surrogate, and every token that must not be mistaken for one, with U+FFFD
-- (which cannot occur in ASCII text); the second takes the mark away again from the innocent.
CREATE OR REPLACE TEMP VIEW parseable_works AS
SELECT
    work_key,
    CASE
        WHEN contains(payload, '\ud') THEN
            regexp_replace(
                regexp_replace(
                    payload,
                    '(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}',
                    '\1' || chr(65533),
                    'g'
                ),
                '(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})' || chr(65533),
                '\1',
                'g'
            )
        ELSE payload
    END AS payload
FROM raw_works;

-- One row is a work: what its record lists as authors, if anything.
CREATE OR REPLACE TEMP VIEW parsed_authors AS
SELECT work_key, from_json(payload, '{"authors": [{"key": "VARCHAR", "name": "VARCHAR"}]}').authors AS authors
FROM parseable_works;

-- One row is a place in a work's list of authors, from 1; an author listed twice has two.
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
FROM numbered_authors;

-- One row is a work that lists authors: their keys, in order and with repeats.
CREATE OR REPLACE TEMP VIEW author_lists AS
SELECT work_key, list_transform(authors, lambda author: replace(author.key, '/authors/', '')) AS author_keys
FROM parsed_authors
WHERE array_length(authors) > 0;
