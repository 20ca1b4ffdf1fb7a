-- Helpers for comparing names and titles; no table of their own.

-- What is left of a text when spelling does not count: letters, marks and digits, in words with one space between them.
-- Plus and sharp become words, since C, C++ and C# differ. Case goes by way of upper case: a Greek sigma has two lower
-- ones. Accents go beside Latin, Greek and Cyrillic letters; elsewhere the same kind of mark tells letters apart. Both
-- functions for that take a text to end at its first NUL.
CREATE OR REPLACE MACRO folded(text) AS
    trim(regexp_replace(
        translate(
            lower(upper(
                CASE
                    WHEN regexp_matches(text, '[\p{Latin}\p{Greek}\p{Cyrillic}]') THEN strip_accents(replace(text, chr(0), ' '))
                    ELSE nfc_normalize(replace(text, chr(0), ' '))
                END
            ))
                .replace('+', ' plus ')
                .replace('#', ' sharp '),
            'łøđ',
            'lod'
        ),
        '[\p{P}\p{Z}\p{S}\p{Cc}\p{Cf}]+',
        ' ',
        'g'
    ));

-- A folded title without its leading article, unless that is all there is.
CREATE OR REPLACE MACRO title_key(title) AS
    regexp_replace(
        folded(title),
        '^(the|an?|l|les?|la|une?|des|der|die|das|eine?|el|l[oa]s|unas?|unos|ο|η|το|οι|τα|ενασ|μια|ενα) (.)',
        '\2'
    );

-- The year with which a name ends: 1828 in `Verne, Jules, 1828-1905`; null without one.
CREATE OR REPLACE MACRO year_in_name(name) AS
    nullif(regexp_extract(name, '[,(][^,(\d]{0,9}(\d{3,4})[^,]*$', 1), '');

-- A name as `First Last`: without years at its end, and turned round at its comma, unless only Jr. or Sr. follows that.
CREATE OR REPLACE MACRO straight_name(name) AS
    name
        .regexp_replace('[,(][^,(\d]{0,9}(\d{3,4})[^,]*$', '')
        .regexp_replace('(?i),(\s*[js]r\b)', '\1')
        .regexp_replace('^([^,]+),([^,]+)', '\2 \1');
