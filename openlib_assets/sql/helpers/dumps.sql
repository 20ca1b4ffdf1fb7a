-- Helpers for what the lines of a dump say; no table of their own.

-- What a record says of what is wanted of it; null where it is not JSON. TRY reads row by row wherever one of some
-- thousand rows fails, so that halves of characters go before.
CREATE OR REPLACE MACRO work_fields(record) AS from_json(
    record,
    '{
        "title": "VARCHAR",
        "subtitle": "VARCHAR",
        "authors": [{"author": "VARCHAR"}],
        "covers": ["BIGINT"],
        "subjects": ["VARCHAR"],
        "subject_people": ["VARCHAR"],
        "subject_places": ["VARCHAR"],
        "subject_times": ["VARCHAR"]
    }'
);
CREATE OR REPLACE MACRO work_record(record) AS TRY(work_fields(fit_for_parsing(record)));
CREATE OR REPLACE MACRO edition_fields(record) AS from_json(
    record,
    '{
        "works": [{"key": "VARCHAR"}],
        "title": "VARCHAR",
        "isbn_10": ["VARCHAR"],
        "isbn_13": ["VARCHAR"],
        "publishers": ["VARCHAR"],
        "languages": ["VARCHAR"],
        "physical_format": "VARCHAR",
        "number_of_pages": "VARCHAR",
        "publish_date": "VARCHAR",
        "covers": ["BIGINT"],
        "authors": [{"key": "VARCHAR"}],
        "subjects": ["VARCHAR"]
    }'
);
CREATE OR REPLACE MACRO edition_record(record) AS TRY(edition_fields(fit_for_parsing(record)));
CREATE OR REPLACE MACRO author_fields(record) AS
    from_json(record, '{"name": "VARCHAR", "birth_date": "VARCHAR", "death_date": "VARCHAR"}');
CREATE OR REPLACE MACRO author_record(record) AS TRY(author_fields(fit_for_parsing(record)));
CREATE OR REPLACE MACRO redirect_fields(record) AS from_json(record, '{"location": "VARCHAR"}');
CREATE OR REPLACE MACRO redirect_record(record) AS TRY(redirect_fields(fit_for_parsing(record)));

-- The texts of a list without its nulls; an empty list where there is none.
CREATE OR REPLACE MACRO listed_texts(texts) AS coalesce(list_filter(texts, lambda text: text IS NOT NULL), []);

-- The texts of a list in their order, each once; an empty list where there is none.
CREATE OR REPLACE MACRO first_of_each(texts) AS
    coalesce(list_filter(texts, lambda text, place: list_position(texts, text) = place), []);

-- Keys of authors as other tables have them; what is none is left out.
CREATE OR REPLACE MACRO bare_author_keys(keys) AS coalesce(
    list_transform(
        list_filter(keys, lambda key: starts_with(key, '/authors/')), lambda key: substr(key, 1 + length('/authors/'))
    ),
    []
);

-- The keys of the authors of a work: of each, Open Library has an object with its key, or just the key.
CREATE OR REPLACE MACRO listed_author_keys(authors) AS bare_author_keys(
    list_transform(
        authors,
        lambda role: CASE WHEN starts_with(role.author, '{') THEN TRY(role.author ->> '$.key') ELSE role.author END
    )
);

-- The cover by Open Library's rule: editors leave -1 behind, and whatever comes first beside it counts, if it is one.
CREATE OR REPLACE MACRO first_cover(covers) AS
    CASE WHEN list_filter(covers, lambda cover: coalesce(cover, 0) <> -1)[1] > 0
    THEN list_filter(covers, lambda cover: coalesce(cover, 0) <> -1)[1] END;

-- The code of a language, of which Open Library has an object with its key, or just the key; null for any other. Nearly
-- all are of the first form, and to find a group takes a regular expression five times as long as to match.
CREATE OR REPLACE MACRO language_code(language) AS CASE
    WHEN regexp_full_match(language, '\{"key":"/languages/[a-z]{3}"\}') THEN substr(language, 20, 3)
    ELSE nullif(regexp_extract(language, '^(?:\{.*"key": ?")?/(?:l|languages)/([a-z]{3})(?:".*)?$', 1), '')
END;

-- The distinct ISBN-13 of what people typed into the two fields for ISBNs, by the rules of helpers/isbns.sql: as numbers,
-- which takes a third of the time that it takes with texts. An ISBN-10 is a number below zero until it is a 13. Open
-- Library leaves an entry as it is but for low lines, and adds the other form of its digits, whatever stands beside them
-- (openlibrary/solr/updater/edition.py, isbnlib's canonical); a 979 has no other form.
CREATE OR REPLACE MACRO looks_like_isbn(text) AS regexp_full_match(text, '97[89][0-9]{10}|[0-9]{9}[0-9X]');
CREATE OR REPLACE MACRO tidy_isbn(entry) AS CASE
    WHEN looks_like_isbn(entry) THEN entry
    WHEN looks_like_isbn(bare_isbn(replace(entry, '_', ''))) THEN bare_isbn(replace(entry, '_', ''))
    ELSE regexp_extract(regexp_replace(upper(entry), '[^0-9X]', '', 'g'), '^(978[0-9]{10}|[0-9]{9}[0-9X])$', 1)
END;
CREATE OR REPLACE MACRO isbn_number(bare) AS CASE
    WHEN regexp_full_match(bare, '97[89][0-9]{10}') THEN try_cast(bare AS BIGINT)
    WHEN regexp_full_match(bare, '[0-9]{9}[0-9X]')
        THEN -1 - 11 * try_cast(left(bare, 9) AS BIGINT) - try_cast(replace(right(bare, 1), 'X', '10') AS BIGINT)
END;
CREATE OR REPLACE MACRO is_isbn_number(number) AS CASE
    WHEN number > 0
        THEN last_of_13(number // 10) = number % 10
            AND NOT (number < 9790000000000 AND number // 10 % 1000000000 % 111111111 = 0)
    ELSE last_of_10((-1 - number) // 11) = (-1 - number) % 11
        AND NOT (
            (-1 - number) // 11 % 111111111 = 0 AND (-1 - number) // 11 // 111111111 = (-1 - number) % 11
        )
END;
CREATE OR REPLACE MACRO isbn13_of_number(number) AS CASE
    WHEN number > 0 THEN number
    ELSE 10 * (978000000000 + (-1 - number) // 11) + last_of_13(978000000000 + (-1 - number) // 11)
END;
-- Tidied in a step of its own: a macro computes what it is given wherever it names it.
CREATE OR REPLACE MACRO listed_isbns(isbn_10, isbn_13) AS coalesce(
    list_transform(
        list_filter(
            list_transform(
                list_transform(list_concat(isbn_10, isbn_13), lambda entry: tidy_isbn(entry)),
                lambda bare: isbn_number(bare)
            ),
            lambda number: is_isbn_number(number)
        ),
        lambda number: isbn13_of_number(number)::VARCHAR
    ),
    []
);

-- The digits of the year in a publish date by Open Library's rule, the first match of Python's \b(\d{4})\b: digits and
-- letters of all scripts, which RE2's own \b and \d do not know (openlibrary/solr/updater/work.py). Most dates are
-- plain ASCII, of which they know enough, and in a third of the time.
CREATE OR REPLACE MACRO year_digits(publish_date) AS CASE
    WHEN regexp_full_match(publish_date, '[0-9]{4}') THEN publish_date
    WHEN regexp_full_match(publish_date, '[\x00-\x7f]*') THEN regexp_extract(publish_date, '\b([0-9]{4})\b', 1)
    ELSE regexp_extract(publish_date, '(^|[^\p{L}\p{N}_])(\p{Nd}{4})($|[^\p{L}\p{N}_])', 2)
END;
CREATE OR REPLACE MACRO year_of_digits(digits) AS coalesce(
    try_cast(digits AS BIGINT),
    1000 * digit_of(substr(digits, 1, 1))
    + 100 * digit_of(substr(digits, 2, 1))
    + 10 * digit_of(substr(digits, 3, 1))
    + digit_of(substr(digits, 4, 1))
);

-- Whether a text is a date, as in 2026-08-31.
CREATE OR REPLACE MACRO is_date(text) AS
    regexp_full_match(text, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND try_cast(text AS DATE) IS NOT NULL;

-- The keys in the index of subjects as editors typed them, one for each, by the rule of helpers/subject_keys.sql but for
-- a second strip. All texts of a list are read at once, since a function for each takes five times as long; chr(65535)
-- between them is no character, and nobody types it.
CREATE OR REPLACE MACRO index_texts(spellings) AS string_split(
    replace(
        regexp_replace(
            lowered(
                stripped(
                    regexp_replace(
                        array_to_string(spellings, chr(65535)),
                        '[\s\v\x1c-\x1f\x85\p{Z}]*' || chr(65535) || '[\s\v\x1c-\x1f\x85\p{Z}]*',
                        chr(65535),
                        'g'
                    )
                )
            ),
            '[;/?:@&=+$,<>#%"{}|\\^\[\]`\n\r]',
            '',
            'g'
        ),
        ' ',
        '_'
    ),
    chr(65535)
);
CREATE OR REPLACE MACRO index_key(spelling) AS index_texts([spelling])[1];
CREATE OR REPLACE MACRO index_keys(prefix, spellings) AS list_filter(
    list_transform(index_texts(spellings), lambda key: prefix || key), lambda key: key <> prefix
);

-- A name that is more than what Unicode calls white space; null for any other.
CREATE OR REPLACE MACRO nonblank(name) AS CASE WHEN regexp_matches(name, '[^\t-\r\x{85}\p{Z}]') THEN name END;

-- Where Open Library has a work, or an edition that is one.
CREATE OR REPLACE MACRO address_of(work_key) AS
    CASE WHEN suffix(work_key, 'M') THEN '/books/' ELSE '/works/' END || work_key;
