-- Helpers for ISBNs as people write them; no table of their own.

-- A text without what may stand between the digits of an ISBN: blanks, hyphens and dashes of all kinds. Digits of full
-- width become plain ones.
CREATE OR REPLACE MACRO isbn_characters(text) AS
    regexp_replace(translate(upper(text), '０１２３４５６７８９Ｘ', '0123456789X'), '[\s\p{Z}\p{Pd}\p{Cf}−]+', '', 'g');

-- The sum of the first nine digits of an ISBN-10, each multiplied by its place; the rest by 11 is the check digit.
CREATE OR REPLACE MACRO isbn10_sum(digits) AS
    1 * digits[1]::INT + 2 * digits[2]::INT + 3 * digits[3]::INT + 4 * digits[4]::INT + 5 * digits[5]::INT
    + 6 * digits[6]::INT + 7 * digits[7]::INT + 8 * digits[8]::INT + 9 * digits[9]::INT;

-- The check digit that follows twelve digits.
CREATE OR REPLACE MACRO ean_check_digit(digits) AS
    (
        10 - (
            digits[1]::INT + digits[3]::INT + digits[5]::INT + digits[7]::INT + digits[9]::INT + digits[11]::INT
            + 3 * (
                digits[2]::INT + digits[4]::INT + digits[6]::INT + digits[8]::INT + digits[10]::INT + digits[12]::INT
            )
        ) % 10
    ) % 10;

-- Why a text, as isbn_characters gives it, is no ISBN; null for one that is. Each digit is looked at only where the
-- form is right: a case takes its branches in order.
CREATE OR REPLACE MACRO isbn_problem_of(characters) AS CASE
    WHEN characters = '' THEN 'blank'
    WHEN NOT regexp_full_match(characters, '[0-9]{9}[0-9X]|[0-9]{13}') THEN
        CASE
            WHEN regexp_full_match(characters, '[0-9]+X?') THEN 'wrong length'
            ELSE 'not a number'
        END
    WHEN length(characters) = 10 THEN
        CASE
            WHEN replace(characters, characters[1], '') = '' THEN 'placeholder'
            WHEN characters[10] <> substr('0123456789X', isbn10_sum(characters) % 11 + 1, 1) THEN 'wrong check digit'
        END
    WHEN replace(characters, characters[1], '') = '' THEN 'placeholder'
    WHEN characters[:3] NOT IN ('978', '979') THEN 'not a book'
    WHEN characters[13] <> ean_check_digit(characters)::VARCHAR THEN 'wrong check digit'
END;

-- Why a text is no ISBN: `blank`, `not a number`, `wrong length`, `placeholder` (one digit repeated), `not a book`
-- (13 digits that do not begin with 978 or 979), `wrong check digit`; null for an ISBN, and for null.
CREATE OR REPLACE MACRO isbn_problem(text) AS isbn_problem_of(isbn_characters(text));

-- The ISBN-13 of characters that are an ISBN.
CREATE OR REPLACE MACRO isbn13_of(characters) AS CASE
    WHEN length(characters) = 13 THEN characters
    ELSE '978' || characters[:9] || ean_check_digit('978' || characters[:9])::VARCHAR
END;

-- The ISBN-13 of a text that is an ISBN-10 or an ISBN-13; null for anything else.
CREATE OR REPLACE MACRO isbn13(text) AS
    CASE WHEN isbn_problem(text) IS NULL AND text IS NOT NULL THEN isbn13_of(isbn_characters(text)) END;
