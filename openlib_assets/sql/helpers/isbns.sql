-- Helpers for book numbers; no table of their own.

-- The last digit of an ISBN-13, by its first twelve as a number: they weigh 1 and 3 in turn.
CREATE OR REPLACE MACRO last_of_13(twelve) AS (
    10 - (
        twelve // 100000000000 % 10
        + 3 * (twelve // 10000000000 % 10)
        + twelve // 1000000000 % 10
        + 3 * (twelve // 100000000 % 10)
        + twelve // 10000000 % 10
        + 3 * (twelve // 1000000 % 10)
        + twelve // 100000 % 10
        + 3 * (twelve // 10000 % 10)
        + twelve // 1000 % 10
        + 3 * (twelve // 100 % 10)
        + twelve // 10 % 10
        + 3 * (twelve % 10)
    ) % 10
) % 10;

-- The last of an ISBN-10, 10 standing for X, by its first nine as a number: they weigh 10 down to 2.
CREATE OR REPLACE MACRO last_of_10(nine) AS (
    11 - (
        10 * (nine // 100000000 % 10)
        + 9 * (nine // 10000000 % 10)
        + 8 * (nine // 1000000 % 10)
        + 7 * (nine // 100000 % 10)
        + 6 * (nine // 10000 % 10)
        + 5 * (nine // 1000 % 10)
        + 4 * (nine // 100 % 10)
        + 3 * (nine // 10 % 10)
        + 2 * (nine % 10)
    ) % 11
) % 11;

-- A book number as people write it, without blanks and any kind of hyphen, with a large X.
CREATE OR REPLACE MACRO bare_isbn(text) AS
    upper(regexp_replace(text, '[\s\x0B\x1C-\x1F\x85\p{Z}\p{Pd}\x{AD}\x{2212}]', '', 'g'));

-- Why a bare text is no book number; null for one that is.
-- Somebody who has to fill in a number writes one digit over and over, and Open Library turns ten of them into thirteen.
CREATE OR REPLACE MACRO isbn_fault(bare) AS CASE
    WHEN bare = '' THEN 'blank'
    WHEN NOT regexp_full_match(bare, '[0-9]+|[0-9]{9}X') THEN 'not a book number'
    WHEN bare = repeat(left(bare, 1), len(bare)) THEN 'placeholder'
    WHEN len(bare) NOT IN (10, 13) THEN 'wrong length'
    WHEN len(bare) = 13 AND left(bare, 3) NOT IN ('978', '979') THEN 'not a book number'
    WHEN len(bare) = 13 AND left(bare, 3) = '978' AND substr(bare, 4, 9) = repeat(substr(bare, 4, 1), 9) THEN 'placeholder'
    WHEN len(bare) = 13 AND right(bare, 1) <> last_of_13(try_cast(left(bare, 12) AS BIGINT))::VARCHAR
        THEN 'wrong check digit'
    WHEN len(bare) = 10
        AND right(bare, 1) <> replace(last_of_10(try_cast(left(bare, 9) AS BIGINT))::VARCHAR, '10', 'X')
        THEN 'wrong check digit'
END;

-- The ISBN-13 of a bare text without a fault.
CREATE OR REPLACE MACRO isbn13_of(bare) AS CASE
    WHEN len(bare) = 13 THEN bare
    ELSE '978' || left(bare, 9) || last_of_13(978000000000 + try_cast(left(bare, 9) AS BIGINT))::VARCHAR
END;
