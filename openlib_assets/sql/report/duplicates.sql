-- One row is a kind of thing that Open Library may have twice: how many there are, and would be if the same were merged.
--
-- Likely: with a score of 0.8 or more.
WITH suspected AS (
    SELECT
        'works' AS kind,
        (SELECT count(*) FROM books) AS held,
        (SELECT count(*) FROM possible_duplicate_books) AS suspected,
        (SELECT count(*) FROM possible_duplicate_books WHERE score >= 0.8) AS likely
    UNION ALL
    SELECT
        'authors' AS kind,
        (SELECT count(*) FROM authors) AS held,
        (SELECT count(*) FROM possible_same_authors) AS suspected,
        (SELECT count(*) FROM possible_same_authors WHERE score >= 0.8) AS likely
)
SELECT kind, held, held - likely AS without_likely, held - suspected AS without_suspected
FROM suspected
