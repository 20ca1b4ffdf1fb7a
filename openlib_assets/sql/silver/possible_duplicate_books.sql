-- One row is a work that may be the same book as another one, into which it would be merged.
--
-- Works are compared when they share an author: one key, or keys that may be one person by a score of 0.8 or more. Then
-- the titles count, the same but for spelling (sql/helpers/spellings.sql), or the main titles where only one of the two has a
-- subtitle; and how far their years are apart. Among equally strong candidates, the other work is the one with
-- the most editions, then the smallest key.
WITH rules (evidence, years, score) AS (
    VALUES
        ('same_title', '', 0.95),
        ('same_title', '_year_unknown', 0.85),
        ('same_title', '_years_apart', 0.6),
        ('same_title_possible_author', '', 0.85),
        ('same_title_possible_author', '_year_unknown', 0.75),
        ('same_title_possible_author', '_years_apart', 0.5),
        ('main_title', '', 0.6),
        ('main_title', '_year_unknown', 0.4),
        ('main_title_possible_author', '', 0.5),
        ('main_title_possible_author', '_year_unknown', 0.3)
),
works AS (
    SELECT
        work_key,
        title,
        CASE WHEN year_status = 'ok' THEN first_publish_year END AS year,
        row_number() OVER (ORDER BY edition_count DESC NULLS LAST, work_key) AS place,
        title_key(title) AS full_title,
        -- A number in a subtitle tells volumes apart.
        title_key(regexp_extract(title, '^([^:：;(]+)[:：;(][^0-9]*$', 1)) AS main_title
    FROM books
),
titles AS (
    SELECT place, work_key, full_title AS title, false AS subtitled FROM works WHERE full_title <> ''
    UNION ALL
    SELECT place, work_key, main_title, true FROM works WHERE main_title NOT IN ('', full_title)
),
persons AS (
    SELECT work_key, author_key AS person, true AS own FROM author_books
    UNION ALL
    SELECT author_books.work_key, same.into_author_key, false
    FROM author_books
    JOIN possible_same_authors AS same ON same.author_key = author_books.author_key AND same.score >= 0.8
),
titles_of_persons AS (
    SELECT titles.title, persons.person, titles.place, titles.subtitled, persons.own
    FROM titles
    JOIN persons USING (work_key)
),
-- For each title of a person the greatest works: by that very key or also by others, with a subtitle or without.
greatest_works AS (
    SELECT
        title,
        person,
        min(place) FILTER (WHERE own AND NOT subtitled) AS own_plain,
        min(place) FILTER (WHERE own AND subtitled) AS own_subtitled,
        min(place) FILTER (WHERE NOT subtitled) AS any_plain,
        min(place) FILTER (WHERE subtitled) AS any_subtitled
    FROM titles_of_persons
    GROUP BY title, person
    HAVING count(*) > 1
),
meetings AS (
    SELECT place, subtitled, own, own_plain, own_subtitled, any_plain, any_subtitled
    FROM titles_of_persons
    JOIN greatest_works USING (title, person)
),
pairs AS (
    SELECT 'same_title' AS evidence, place, own_plain AS into_place
    FROM meetings
    WHERE own AND NOT subtitled
    UNION ALL
    SELECT 'same_title_possible_author', place, any_plain
    FROM meetings
    WHERE NOT subtitled
    UNION ALL
    SELECT 'main_title', place, CASE WHEN subtitled THEN own_plain ELSE own_subtitled END
    FROM meetings
    WHERE own
    UNION ALL
    SELECT 'main_title_possible_author', place, CASE WHEN subtitled THEN any_plain ELSE any_subtitled END
    FROM meetings
)
SELECT
    lesser.work_key,
    lesser.title,
    greater.work_key AS into_work_key,
    greater.title AS into_title,
    pairs.evidence || rules.years AS rule,
    rules.score::DOUBLE AS score
FROM pairs
JOIN works AS lesser ON lesser.place = pairs.place
JOIN works AS greater ON greater.place = pairs.into_place
JOIN rules
    ON rules.evidence = pairs.evidence
    AND rules.years = CASE
        WHEN lesser.year IS NULL OR greater.year IS NULL THEN '_year_unknown'
        WHEN abs(lesser.year - greater.year) > 10 THEN '_years_apart'
        ELSE ''
    END
WHERE pairs.into_place < pairs.place
QUALIFY row_number() OVER (PARTITION BY lesser.work_key ORDER BY rules.score DESC, pairs.into_place) = 1
ORDER BY lesser.work_key
