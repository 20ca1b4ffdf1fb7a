-- Which works the books of a store may be; no table of their own.
--
-- The store's side is made once by helpers/store_side.sql. The works come as `match_works` (work_key, title,
-- edition_count), `match_authors` (work_key, author_name) and `match_isbns` (work_key, isbn13).
CREATE OR REPLACE TEMP VIEW work_titles_given AS SELECT work_key AS book, title FROM match_works;
CREATE OR REPLACE TEMP VIEW work_persons_given AS SELECT work_key AS book, author_name AS author FROM match_authors;
CREATE OR REPLACE TEMP TABLE work_titles AS FROM title_forms('work_titles_given');
CREATE OR REPLACE TEMP TABLE work_persons AS FROM persons_of('work_persons_given');
CREATE OR REPLACE TEMP TABLE work_blocks AS
SELECT block, form
FROM blocks_of('work_titles', 'work_persons', 'works', 'store')
QUALIFY NOT is_loose OR count(*) OVER (PARTITION BY block) <= 50;

-- Tables, so that it is known how few they are when they are joined with a large store.
CREATE OR REPLACE TEMP TABLE met_by_title AS
SELECT DISTINCT store_blocks.form AS store_form, work_blocks.form AS work_form
FROM store_blocks
JOIN work_blocks USING (block);
CREATE OR REPLACE TEMP TABLE met_by_isbn AS
SELECT DISTINCT store_catalogue.row, match_isbns.work_key
FROM store_catalogue
JOIN match_isbns USING (isbn13);

-- One row is a row of the store and a work that share an ISBN, or whose titles are alike.
CREATE OR REPLACE TEMP TABLE store_meetings AS
WITH pairs AS (
    SELECT store_title, work_title, false AS by_isbn
    FROM met_by_title
    JOIN store_titles AS store_title ON store_title.form = store_form
    JOIN work_titles AS work_title ON work_title.form = work_form
    UNION ALL
    SELECT store_title, work_title, true
    FROM met_by_isbn
    JOIN store_titles AS store_title ON store_title.book = met_by_isbn.row
    JOIN work_titles AS work_title ON work_title.book = met_by_isbn.work_key
),
compared AS (
    SELECT
        store_title.book AS row,
        work_title.book AS work_key,
        by_isbn,
        slips_between(store_title, work_title) AS slips,
        greatest(length(store_title.words), length(work_title.words)) AS letters,
        CASE WHEN store_title.is_main OR work_title.is_main THEN 0.9 ELSE 1 END AS share,
        -- Other numbers make another book; a book about a book, or of several, may be the one or the other.
        CASE
            WHEN store_title.numbers <> work_title.numbers THEN 0.5
            WHEN store_title.is_derived <> work_title.is_derived THEN 0.8
            ELSE 1
        END AS most
    FROM pairs
    WHERE NOT (store_title.is_main AND work_title.is_main)
),
likenesses AS (
    SELECT row, work_key, by_isbn, least(share * likeness_by_slips(slips, letters), most) AS title
    FROM compared
),
meetings AS (
    SELECT row, work_key, bool_or(by_isbn) AS by_isbn, max(title) AS title
    FROM likenesses
    WHERE by_isbn OR title >= 0.7
    GROUP BY row, work_key
)
SELECT row, work_key, coalesce(meetings.by_isbn, true) AS by_isbn, meetings.title
FROM meetings
FULL JOIN met_by_isbn USING (row, work_key);

-- One row is a row of the store and a work that it may be, with how alike they are: null where either tells nothing.
CREATE OR REPLACE TEMP TABLE store_candidates AS
WITH persons AS (
    SELECT row, work_key, store_person, work_person, slips_between(store_person, work_person) AS slips
    FROM store_meetings
    JOIN store_persons AS store_person ON store_person.book = store_meetings.row
    JOIN work_persons AS work_person ON work_person.book = store_meetings.work_key
),
authors AS (
    SELECT row, work_key, max(person_likeness(store_person, work_person, slips)) AS author
    FROM persons
    GROUP BY row, work_key
),
compared AS (
    SELECT
        store_meetings.row,
        store_meetings.work_key,
        store_meetings.by_isbn,
        store_meetings.title,
        authors.author,
        coalesce(store_meetings.title < 0.7, false) AS title_clash,
        coalesce(authors.author < 0.5, false) AS author_clash,
        match_works.edition_count,
        work_titles.sorted AS words
    FROM store_meetings
    JOIN match_works USING (work_key)
    LEFT JOIN authors USING (row, work_key)
    LEFT JOIN work_titles ON work_titles.book = store_meetings.work_key AND NOT work_titles.is_main
)
SELECT
    row,
    work_key,
    edition_count,
    words,
    by_isbn,
    title_clash OR author_clash AS is_clash,
    CASE
        WHEN by_isbn AND title_clash AND author_clash THEN 'isbn, title and author clash'
        WHEN by_isbn AND title_clash THEN 'isbn, title clash'
        WHEN by_isbn AND author_clash THEN 'isbn, author clash'
        WHEN by_isbn THEN 'isbn'
        WHEN author IS NULL THEN 'title'
        ELSE 'title and author'
    END AS rule,
    -- What is not known says nothing: of an ISBN alone, a little less is sure than of one with its title.
    round(CASE
        WHEN title_clash AND author_clash THEN 0.4
        WHEN is_clash THEN 0.6
        WHEN by_isbn THEN 0.8 + 0.2 * coalesce((title + author) / 2, title, author, 0.5)
        WHEN author IS NULL THEN 0.55 * title
        WHEN title < 0.85 THEN 0.55 * (0.6 * title + 0.4 * author)
        ELSE 0.95 * (0.6 * title + 0.4 * author)
    END::DOUBLE, 3) AS score,
    coalesce(author >= 0.8, false) AS is_author,
    NOT is_clash AND (by_isbn OR (is_author AND title >= 0.85)) AS is_sure
FROM compared
WHERE by_isbn OR (NOT is_clash AND (author IS NOT NULL OR title >= 0.85));
