-- Helpers for comparing the books of a store with works; no table of their own.

-- The words of a key in alphabetical order: titles are compared by all of their words, never by some, since a sequel has
-- the words of the first book.
CREATE OR REPLACE MACRO sorted_words(words) AS array_to_string(list_sort(string_split(words, ' ')), ' ');

-- A key without the words that & stands for.
CREATE OR REPLACE MACRO without_and(words) AS regexp_replace(words, ' (and|und|et|y) ', ' ', 'g');

-- A title as books have it on their cover: with its article before it, and without the series in brackets after it.
CREATE OR REPLACE MACRO plain_title(title) AS
    title
        .regexp_replace('\s*[(\[][^()\[\]]*#\s*[0-9][^()\[\]]*[)\]]\s*$', '')
        .regexp_replace(
            '(?i)\s*[(\[](paperback|hardcover|hardback|taschenbuch|gebunden|broché|poche|e-?book|kindle)[^()\[\]]*[)\]]\s*$',
            ''
        )
        .regexp_replace('(?i)^(.+), (the|an?|der|die|das|le|la|les|el|los|las|il)$', '\2 \1');

-- The main title before a subtitle, empty without one. A number in what follows tells volumes apart.
CREATE OR REPLACE MACRO main_title(title) AS
    regexp_extract(title, '^(.*?[^\s:：;(\[–—-])\s*(?:[:：;(\[]|\s[–—-]\s)[^0-9]*$', 1);

-- The numbers in a key, which tell volumes apart, Roman ones included.
CREATE OR REPLACE MACRO numbers_in(words) AS
    array_to_string(list_sort(regexp_extract_all(words, '\b([0-9]+|[ivx]+)\b')), ' ');

-- Whether a title is that of a book about a book, or of several in one.
CREATE OR REPLACE MACRO is_derived(words) AS
    regexp_matches(
        words,
        '\b(summary|study guide|workbook|companion|box(ed)? set|omnibus|graphic novel|collection|sparknotes|cliffsnotes|lektureschlussel)\b'
    );

-- One row is a form of a book's title that has words: the title, or its main title. `books` names a relation with the
-- columns book and title, a book of the store or a work.
CREATE OR REPLACE MACRO title_forms(books) AS TABLE
WITH plain AS (
    SELECT book, replace(plain_title(title), 'ß', 'ss') AS title
    FROM query_table(books)
),
titles AS (
    SELECT book, title, nullif(main_title(title), '') AS main, folded(title) AS all_words
    FROM plain
),
forms AS (
    SELECT book, all_words, unnest([title, main]) AS form, unnest([false, true]) AS is_main
    FROM titles
),
keys AS (
    SELECT book, all_words, is_main, without_and(title_key(form)) AS words
    FROM forms
    WHERE form IS NOT NULL
)
SELECT
    row_number() OVER (ORDER BY book, is_main) AS form,
    book,
    words,
    sorted_words(words) AS sorted,
    numbers_in(all_words) AS numbers,
    is_derived(all_words) AS is_derived,
    is_main
FROM keys
WHERE words <> '';

-- One row is a person whom a book names as author. `books` names a relation with the columns book and author. A comma
-- divides names where those on both sides have a blank in them, and else turns one round.
CREATE OR REPLACE MACRO persons_of(books) AS TABLE
WITH parts AS (
    SELECT book, unnest(regexp_split_to_array(author, '(?i)\s*[;&/|]\s*|\s+(?:and|und|et|y|with|mit)\s+')) AS part
    FROM query_table(books)
    WHERE lower(trim(author)) <> 'n/a'
),
names AS (
    SELECT
        book,
        unnest(
            CASE
                WHEN regexp_full_match(part, '[^,]*[^\s,]\s+[^\s,][^,]*,\s*[^\s,.]+\s+[^\s,.][^.]*') THEN string_split(part, ',')
                ELSE [part]
            END
        ) AS name
    FROM parts
),
straight AS (
    SELECT book, folded(straight_name(regexp_replace(name, '\s*[(\[][^()\[\]]*[)\]]\s*$', ''))) AS words
    FROM names
),
persons AS (
    SELECT DISTINCT
        book,
        words
            .regexp_replace('^(by|dr|prof|sir|dame)\s', '')
            .regexp_replace('\s(jr|sr|phd|md|esq)\b', '') AS words
    FROM straight
    WHERE words NOT IN (
        '', 'na', 'unknown', 'unbekannt', 'various', 'various authors', 'anonymous', 'anon', 'diverse', 'none', 'null'
    )
)
SELECT
    book,
    words,
    replace(words, ' ', '') AS letters,
    sorted_words(words) AS sorted,
    string_split(words, ' ')[-1] AS surname,
    CASE WHEN contains(words, ' ') THEN string_split(words, ' ')[1] ELSE '' END AS first_name
FROM persons;

-- One row is a block that a form of a title is in; only forms that share one are compared. The same title makes a block
-- with each part of an author's name; for titles with slips, so do its first and its last letters with the last name, or
-- with the whole one. A form whose book names nobody is in blocks of `others`, by its title or a longer piece of it
-- (`is_loose`), in which all forms of those are; so a popular title meets all of its like only where nothing else is known.
CREATE OR REPLACE MACRO blocks_of(titles, persons, mine, others) AS TABLE
WITH pieces AS (
    SELECT form, book, sorted AS piece, false AS is_loose FROM query_table(titles)
    UNION ALL
    SELECT form, book, unnest(['<' || left(words, 10), '>' || right(words, 10)]), true
    FROM query_table(titles)
    WHERE length(words) >= 12
),
parts AS (
    SELECT book, unnest(string_split(words, ' ')) AS part FROM query_table(persons)
),
names AS (
    SELECT book, unnest([surname, letters]) AS name FROM query_table(persons)
)
SELECT hash(piece, mine) AS block, form, is_loose FROM pieces
UNION ALL
SELECT hash(piece, others), form, is_loose FROM pieces ANTI JOIN query_table(persons) USING (book)
UNION ALL
SELECT DISTINCT hash(title.sorted, 'by', parts.part), title.form, false
FROM query_table(titles) AS title
JOIN parts USING (book)
WHERE length(parts.part) > 1
UNION ALL
SELECT hash(unnest(['<' || left(title.words, 4), '>' || right(title.words, 4)]), 'by', names.name), title.form, false
FROM query_table(titles) AS title
JOIN names USING (book);

-- How many letters two texts of words differ in, in whatever order the words stand; all letters where they have little
-- in common, since to count takes fifty times as long as to tell that. DuckDB counts bytes, so that another letter outside
-- ASCII may count as several.
CREATE OR REPLACE MACRO slips_between(one, other) AS CASE
    WHEN one.sorted = other.sorted THEN 0
    WHEN greatest(
        jaro_winkler_similarity(one.words, other.words), jaro_winkler_similarity(one.sorted, other.sorted)
    ) < 0.88 THEN greatest(length(one.words), length(other.words))
    ELSE least(damerau_levenshtein(one.words, other.words), damerau_levenshtein(one.sorted, other.sorted))
END;

-- How alike two texts of so many letters are, from 0 to 1: a slip in a longer one, or two in a long one, cost little.
CREATE OR REPLACE MACRO likeness_by_slips(slips, letters) AS CASE
    WHEN slips = 0 THEN 1.0
    WHEN slips <= CASE WHEN letters < 6 THEN 0 WHEN letters < 16 THEN 1 ELSE 2 END THEN 0.95
    ELSE least(0.8, 1 - slips / letters)
END;

-- How alike two persons are, from 0 to 1: initials stand for names, and a last name alone may be anybody's.
CREATE OR REPLACE MACRO person_likeness(one, other, slips) AS CASE
    WHEN slips = 0 OR one.letters = other.letters THEN 1.0
    WHEN one.surname = other.surname AND '' IN (one.first_name, other.first_name) THEN 0.85
    WHEN one.surname = other.surname
        AND (
            one.first_name = other.first_name
            OR (1 IN (length(one.first_name), length(other.first_name)) AND one.first_name[1] = other.first_name[1])
        ) THEN 0.95
    ELSE 0.9 * likeness_by_slips(slips, greatest(length(one.words), length(other.words)))
END;
