-- Helpers for subjects as editors type them; no table of their own.

-- A text without white space at its ends, as Python strips it.
CREATE OR REPLACE MACRO stripped(text) AS
    regexp_replace(text, '^[\s\v\x1c-\x1f\x85\p{Z}]+|[\s\v\x1c-\x1f\x85\p{Z}]+$', '', 'g');

-- A text in lower case, as Python has it: a dotted capital I becomes two characters, and a sigma at the end of a word,
-- whatever marks and stops follow, looks different.
CREATE OR REPLACE MACRO lowered(text) AS
    lower(
        CASE
            WHEN regexp_matches(text, '[İΣ]')
                THEN regexp_replace(
                    replace(text, 'İ', 'i̇'),
                    '(\p{L}[\p{M}''.:·]*)Σ([\p{M}''.:·]*(?:[^\p{L}\p{M}''.:·]|$))',
                    '\1ς\2',
                    'g'
                )
            ELSE text
        END
    );

-- The key of a subject, by Open Library's own rule (openlibrary/subject_keys.py).
CREATE OR REPLACE MACRO subject_key(spelling) AS
    stripped(translate(lowered(stripped(spelling)), ' ;/?:@&=+$,<>#%"{}|\^[]`' || chr(10) || chr(13), '_'));
