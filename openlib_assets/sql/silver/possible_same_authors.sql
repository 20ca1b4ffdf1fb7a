-- One row is an author who may be the same person as another one, into whom they would be merged.
--
-- Authors are compared when their names are the same, spelling apart (sql/helpers/spellings.sql), and do not tell two years.
-- What speaks for one person, the best first: both are listed on one work (0.95), both have a work of the same title
-- (0.9), the name has three parts or more (0.7), or two (0.3). One word alone, such as Anonymous, is no name. Among
-- equally strong candidates, the other author is the one with the most books, then the smallest key.
WITH names AS (
    SELECT author_key, author_name, book_count, straight_name(author_name) AS name
    FROM authors
),
folded_names AS (
    SELECT author_key, author_name, book_count, folded(name) AS words, replace(words, ' ', '') AS letters
    FROM names
),
namesakes AS (
    SELECT
        author_key,
        author_name,
        letters,
        year_in_name(author_name) AS year,
        -- Scripts that put no space between names.
        len(string_split(words, ' '))
            + regexp_matches(words, '^[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]{2,}$')::INT AS parts,
        row_number() OVER (ORDER BY book_count DESC, author_key) AS place
    FROM folded_names
    WHERE letters IN (SELECT letters FROM folded_names WHERE letters <> '' GROUP BY letters HAVING count(*) > 1)
),
-- Where the namesakes tell several years, each year is somebody else, and those without one make a group of their own.
identities AS (
    SELECT
        author_key,
        author_name,
        place,
        letters || CASE WHEN min(year) OVER same_letters <> max(year) OVER same_letters THEN coalesce(year, '') ELSE '' END
            AS identity,
        max(parts) OVER same_letters AS parts
    FROM namesakes
    WINDOW same_letters AS (PARTITION BY letters)
),
listed AS (
    SELECT identities.identity, identities.author_key, identities.place, books.work_key, title_key(books.title) AS title
    FROM identities
    JOIN author_books USING (author_key)
    JOIN books USING (work_key)
),
evidence AS (
    SELECT 'same_work' AS rule, 0.95::DOUBLE AS score, identity, work_key AS what, author_key, place
    FROM listed
    UNION ALL
    SELECT 'same_title', 0.9, identity, title, author_key, place
    FROM listed
    WHERE title <> ''
    UNION ALL
    SELECT
        CASE WHEN parts > 2 THEN 'same_long_name' ELSE 'same_name' END,
        CASE WHEN parts > 2 THEN 0.7 ELSE 0.3 END,
        identity,
        '',
        author_key,
        place
    FROM identities
    WHERE parts > 1
),
pairs AS (
    SELECT rule, score, author_key, place, min(place) OVER (PARTITION BY rule, identity, what) AS into_place
    FROM evidence
)
SELECT
    pairs.author_key,
    lesser.author_name,
    greater.author_key AS into_author_key,
    greater.author_name AS into_author_name,
    pairs.rule,
    pairs.score
FROM pairs
JOIN identities AS lesser ON lesser.author_key = pairs.author_key
JOIN identities AS greater ON greater.place = pairs.into_place
WHERE pairs.into_place < pairs.place
QUALIFY row_number() OVER (PARTITION BY pairs.author_key ORDER BY pairs.score DESC, pairs.into_place) = 1
ORDER BY pairs.author_key
