-- What tables of authors are made from, by the names that the tables of a subject have, of those authors whose rows
-- have to be made; no table of its own.
CREATE TEMP VIEW books AS FROM works;
CREATE TEMP TABLE touched_work_authors AS FROM work_authors SEMI JOIN touched_author_key USING (author_key);
CREATE TEMP VIEW author_books AS SELECT author_key, work_key, author_position FROM touched_work_authors;
CREATE TEMP VIEW listed_authors AS
SELECT work_key, author_key, author_position, listed_name AS author_name FROM touched_work_authors;
