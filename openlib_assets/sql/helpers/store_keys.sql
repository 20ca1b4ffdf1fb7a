-- Helpers for comparing the books of a store with works; no table of their own.

-- The words of a key in alphabetical order.
CREATE OR REPLACE MACRO sorted_words(words) AS array_to_string(list_sort(string_split(words, ' ')), ' ');

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
    regexp_extract(title, '^(.*?[^\s:：;(–—-])\s*(?:[:：;(]|\s[–—-]\s)[^0-9]*$', 1);

-- The numbers in a key, which tell volumes apart, Roman ones included.
CREATE OR REPLACE MACRO numbers_in(words) AS
    array_to_string(list_sort(regexp_extract_all(words, '\b([0-9]+|[ivx]+)\b')), ' ');

-- Whether a title is that of a book about a book, or of several in one.
CREATE OR REPLACE MACRO is_derived(words) AS
    regexp_matches(
        words,
        '\b(summary|study guide|workbook|companion|box(ed)? set|omnibus|graphic novel|collection|sparknotes|cliffsnotes|lektureschlussel)\b'
    );

-- The persons that a text names, each as `First Last`. A comma divides names where each of them has a blank in it,
-- and turns one round otherwise.
CREATE OR REPLACE MACRO persons_in(text) AS
    list_transform(
        flatten(list_transform(
            regexp_split_to_array(text, '(?i)\s*[;&/|]\s*|\s+(?:and|und|et|y|with|mit)\s+'),
            lambda part: CASE
                WHEN regexp_matches(part, '^[^,]*[^\s,]\s+[^\s,][^,]*,\s*[^\s,]+\s+[^\s,]')
                    AND NOT regexp_matches(part, '^[^,]+,[^,]*\.[^,]*$')
                    THEN string_split(part, ',')
                ELSE [part]
            END
        )),
        lambda person: straight_name(regexp_replace(person, '\s*[(\[][^()\[\]]*[)\]]\s*$', ''))
    );

-- A person's name as words, without titles; null for what says that nobody is known.
CREATE OR REPLACE MACRO person_key(name) AS
    CASE
        WHEN folded(name) NOT IN (
            '', 'n a', 'na', 'unknown', 'unbekannt', 'various', 'various authors', 'anonymous', 'anon', 'diverse', 'none', 'null'
        )
            THEN folded(name)
                .regexp_replace('^(by|dr|prof|sir|dame)\s', '')
                .regexp_replace('\s(jr|sr|phd|md|esq)\b', '')
    END;

-- One row is a form of a book's title that has words: the title, or its main title. `books` names a relation with the
-- columns book and title, a book of the store or a work.
CREATE OR REPLACE MACRO title_forms(books) AS TABLE
WITH titles AS (
    SELECT book, replace(plain_title(title), 'ß', 'ss') AS title
    FROM query_table(books)
),
forms AS (
    SELECT book, title, title_key(title) AS words, false AS is_main FROM titles
    UNION ALL
    SELECT book, title, title_key(main_title(title)), true FROM titles WHERE main_title(title) <> ''
)
SELECT
    row_number() OVER (ORDER BY book, is_main) AS form,
    book,
    words,
    sorted_words(words) AS sorted,
    numbers_in(folded(title)) AS numbers,
    is_derived(folded(title)) AS is_derived,
    is_main
FROM forms
WHERE words <> '';

-- One row is a person whom a book names as author. `books` names a relation with the columns book and author.
CREATE OR REPLACE MACRO persons_of(books) AS TABLE
WITH names AS (
    SELECT book, unnest(persons_in(author)) AS name FROM query_table(books) WHERE person_key(author) IS NOT NULL
),
persons AS (
    SELECT DISTINCT book, person_key(name) AS words FROM names
)
SELECT
    book,
    replace(words, ' ', '') AS letters,
    sorted_words(words) AS sorted,
    string_split(words, ' ')[-1] AS surname,
    CASE WHEN contains(words, ' ') THEN string_split(words, ' ')[1] ELSE '' END AS first_name
FROM persons
WHERE words <> '';

-- One row is a block that a form of a title is in; only forms that share one are compared. The same words make a block;
-- for titles with slips, so does the author's last name with the first or the last letters of the title; and, for
-- books that name no author, a longer piece of the title (`is_loose`).
CREATE OR REPLACE MACRO blocks_of(titles, persons) AS TABLE
SELECT hash('same', sorted) AS block, form, false AS is_loose FROM query_table(titles)
UNION ALL
SELECT hash('begins', surname, left(words, 4)), form, false
FROM query_table(titles) JOIN query_table(persons) USING (book)
UNION ALL
SELECT hash('ends', surname, right(words, 4)), form, false
FROM query_table(titles) JOIN query_table(persons) USING (book)
UNION ALL
SELECT hash('begins', left(words, 10)), form, true FROM query_table(titles) WHERE length(words) >= 12
UNION ALL
SELECT hash('ends', right(words, 10)), form, true FROM query_table(titles) WHERE length(words) >= 12;

-- How alike two titles are, from 0 to 1, by their words in whatever order: never by a part of the words, since a sequel
-- has the words of the first book. A slip or two in a long title cost little. Other numbers make another book.
CREATE OR REPLACE MACRO likeness_by_slips(slips, letters) AS CASE
    WHEN slips = 0 THEN 1.0
    WHEN slips <= CASE WHEN letters < 6 THEN 0 WHEN letters < 16 THEN 1 ELSE 2 END THEN 0.95
    ELSE least(0.8, 1 - slips / letters)
END;

CREATE OR REPLACE MACRO slips_between(one, other, one_sorted, other_sorted) AS CASE
    WHEN one_sorted = other_sorted THEN 0
    WHEN abs(strlen(one) - strlen(other)) > 0.4 * greatest(strlen(one), strlen(other)) THEN greatest(strlen(one), strlen(other))
    ELSE least(damerau_levenshtein(one, other), damerau_levenshtein(one_sorted, other_sorted))
END;

-- How alike two persons are, from 0 to 1: initials stand for names, and a last name alone may be anybody's.
CREATE OR REPLACE MACRO person_likeness(one, other) AS CASE
    WHEN one.letters = other.letters OR one.sorted = other.sorted THEN 1.0
    WHEN one.surname = other.surname AND '' IN (one.first_name, other.first_name) THEN 0.85
    WHEN one.surname = other.surname
        AND (
            one.first_name = other.first_name
            OR (1 IN (length(one.first_name), length(other.first_name)) AND one.first_name[1] = other.first_name[1])
        ) THEN 0.95
    ELSE 0.9 * likeness_by_slips(damerau_levenshtein(one.sorted, other.sorted), greatest(strlen(one.sorted), strlen(other.sorted)))
END;
