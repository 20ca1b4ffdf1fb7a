-- One row is an author of a work, at the first place where the work lists it, under the name that it has there.
WITH listed AS (
    SELECT
        subject,
        work_key,
        from_json(fit_for_parsing(payload), '{"authors": [{"name": "VARCHAR"}]}').authors AS authors
    FROM fetched_raw_works
)
SELECT
    author_key,
    work_key,
    author_position,
    listed.authors[author_position].name AS listed_name,
    subject AS fetched_for
FROM fetched_author_books
JOIN listed USING (subject, work_key)
