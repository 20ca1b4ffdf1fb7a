-- What tables of authors are made from, by the names that the tables of a subject have; no table of its own.
CREATE OR REPLACE TEMP VIEW books AS FROM works;
CREATE OR REPLACE TEMP VIEW author_books AS SELECT author_key, work_key, author_position FROM work_authors;
CREATE OR REPLACE TEMP VIEW listed_authors AS
SELECT work_key, author_key, author_position, listed_name AS author_name FROM work_authors;
