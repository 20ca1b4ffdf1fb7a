-- One row is an author with at least one work in the subject.
--
-- The name is the most frequent one, one vote a work: the spelling at the author's first place there, unless blank.
WITH votes AS (
    SELECT listed_authors.author_key, listed_authors.author_name
    FROM listed_authors
    JOIN author_books USING (author_key, work_key, author_position)
    -- What Unicode calls white space, whose absence makes a name blank.
    WHERE trim(
        listed_authors.author_name,
        chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(32) || chr(133) || chr(160) || chr(5760)
        || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8199)
        || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288)
    ) <> ''
),
counted_votes AS (
    SELECT author_key, author_name, count(*) AS vote_count
    FROM votes
    GROUP BY author_key, author_name
),
ranked_names AS (
    SELECT
        author_key,
        author_name,
        row_number() OVER (PARTITION BY author_key ORDER BY vote_count DESC, author_name) AS place
    FROM counted_votes
),
author_totals AS (
    SELECT
        author_books.author_key,
        count(*) AS book_count,
        min(CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END) AS first_year,
        max(CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END) AS last_year
    FROM author_books
    JOIN books USING (work_key)
    GROUP BY author_books.author_key
)
SELECT
    author_totals.author_key,
    ranked_names.author_name,
    author_totals.book_count,
    author_totals.first_year,
    author_totals.last_year
FROM author_totals
LEFT JOIN ranked_names
    ON ranked_names.author_key = author_totals.author_key
    AND ranked_names.place = 1
ORDER BY author_totals.author_key
