-- Helpers for the cells of a store's file as people write them; no table of their own.

-- A text without white space around it and with single blanks in it; null where nothing is left.
CREATE OR REPLACE TEMP MACRO cell_text(cell) AS nullif(trim(regexp_replace(cell, '[\s\p{Z}]+', ' ', 'g')), '');

-- One of the numbers in a cell of ISBNs, bare (sql/helpers/isbns.sql) also of what people and spreadsheets put around it.
-- Zeros that a spreadsheet took from the beginning of an ISBN-10 are put back, but not before the number of a magazine,
-- an ISSN: it is written with a hyphen in its middle, and two zeros would make a book number of every one.
CREATE OR REPLACE TEMP MACRO isbn_in_cell(part) AS
    bare_isbn(regexp_replace(part, '^[\s\p{Z}]*([0-9]{4}\p{Pd}[0-9]{3}[0-9Xx])[\s\p{Z}]*$', 'ISSN \1'))
        .regexp_replace('^[=''"]*((ISBN|EAN|GTIN)(1[03]:)?)?[:=''"]*', '')
        .regexp_replace('(\.0+)?[''"]*$', '')
        .regexp_replace('^([0-9])\.([0-9]{12})E\+?12$', '\1\2')
        .regexp_replace('^([0-9]{7,8}[0-9X])$', '00\1')
        .regexp_replace('^0([0-9]{9}[0-9X])$', '\1');

-- A number without currencies and units, without blanks or apostrophes between its digits, and without a dash for no
-- cents. A minus behind it, as accounting programs write it, is one before it.
CREATE OR REPLACE TEMP MACRO bare_number(cell) AS
    replace(cell, '−', '-')
        .regexp_replace('([0-9.,])[\s\p{Z}''’]+', '\1', 'g')
        .regexp_replace('^[\s\p{Z}\p{Sc}\p{L}]*\p{L}\.', '')
        .regexp_replace('^[\s\p{Z}\p{Sc}\p{L}]+', '')
        .regexp_replace('[.,]\p{Pd}+[\s\p{Z}\p{Sc}\p{L}.]*$', '')
        .regexp_replace('^([0-9.,]+)-[\s\p{Z}\p{Sc}\p{L}.]*$', '-\1')
        .regexp_replace('[\s\p{Z}\p{Sc}\p{L}.,\p{Pd}]+$', '');

-- A bare number written the English or the continental way; null for anything else. One separator with three digits
-- behind it is one of thousands, unless a zero stands before it.
CREATE OR REPLACE TEMP MACRO amount(bare) AS CASE
    WHEN regexp_full_match(bare, '-?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?') THEN replace(bare, ',', '')
    WHEN regexp_full_match(bare, '-?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?')
        THEN replace(replace(bare, '.', ''), ',', '.')
    WHEN regexp_full_match(bare, '-?([0-9]+|[0-9]*[.,][0-9]+)') THEN replace(bare, ',', '.')
END::DOUBLE;

-- One row is a line of the store's file: what each cell says, and what a cell that has something lacks to say it.
-- An ISBN is the first of its cell; `lost precision` is that of one that a spreadsheet rounded, as 9.78E+12.
CREATE OR REPLACE TEMP TABLE store_cells AS
WITH lists AS (
    SELECT row, regexp_split_to_array(isbn, '[;/|,]') AS parts
    FROM store_lines
    WHERE cell_text(isbn) IS NOT NULL
),
parts AS (
    SELECT row, unnest(parts) AS part, generate_subscripts(parts, 1) AS place
    FROM lists
),
bare_isbns AS (
    SELECT row, isbn_in_cell(part) AS bare, place
    FROM parts
),
isbns AS (
    SELECT row, place, isbn_fault(bare) AS fault, CASE WHEN fault IS NULL THEN isbn13_of(bare) END AS isbn13
    FROM bare_isbns
    WHERE bare <> ''
),
first_isbns AS (
    SELECT row, min_by(isbn13, place) AS isbn13, min_by(fault, place) AS fault
    FROM isbns
    GROUP BY row
),
bare_numbers AS (
    SELECT row, amount(bare_number(price)) AS price, amount(bare_number(units_sold)) AS units_sold
    FROM store_lines
)
SELECT
    row::BIGINT AS row,
    first_isbns.isbn13,
    CASE
        WHEN first_isbns.isbn13 IS NOT NULL OR cell_text(store_lines.isbn) IS NULL THEN NULL
        WHEN regexp_matches(store_lines.isbn, '(?i)[0-9]E\+?1[0-9]\b') THEN 'lost precision'
        ELSE coalesce(first_isbns.fault, 'not a book number')
    END AS isbn_fault,
    cell_text(store_lines.title) AS title,
    cell_text(store_lines.author) AS author,
    CASE WHEN bare_numbers.price >= 0 THEN bare_numbers.price END AS price,
    cell_text(store_lines.price) IS NOT NULL AS has_price,
    -- Below zero where more copies came back than were sold.
    CASE
        WHEN abs(bare_numbers.units_sold) < 1e15 AND bare_numbers.units_sold = trunc(bare_numbers.units_sold)
            THEN bare_numbers.units_sold::BIGINT
    END AS units_sold,
    cell_text(store_lines.units_sold) IS NOT NULL AS has_units_sold
FROM store_lines
JOIN bare_numbers USING (row)
LEFT JOIN first_isbns USING (row);
