-- Helpers for subjects as editors type them; no table of their own.

-- A text without white space at its ends, as Python strips it.
CREATE OR REPLACE MACRO stripped(text) AS
    regexp_replace(text, '^[\s\v\x1c-\x1f\x85\p{Z}]+|[\s\v\x1c-\x1f\x85\p{Z}]+$', '', 'g');

-- A text in lower case, as Python has it: a dotted capital I becomes two characters, and a sigma looks different at the
-- end of a word, by Unicode's rule Final_Sigma: behind a letter that has case and before none, where marks and stops
-- between them do not count.
CREATE OR REPLACE MACRO with_case() AS
    '\p{Lu}\p{Ll}\p{Lt}ªº\x{2160}-\x{217F}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}';
CREATE OR REPLACE MACRO without_weight() AS
    '\p{Mn}\p{Me}\p{Cf}\p{Lm}\p{Sk}''.:·\x{387}\x{55F}\x{5F4}‘’\x{2024}\x{2027}\x{FE13}\x{FE52}\x{FE55}\x{FF07}\x{FF0E}\x{FF1A}';
CREATE OR REPLACE MACRO final_sigma() AS
    '([' || with_case() || '][' || without_weight() || ']*)Σ([' || without_weight() || ']*(?:[^'
    || with_case() || without_weight() || ']|$))';
CREATE OR REPLACE MACRO lowered(text) AS
    lower(
        CASE
            WHEN regexp_matches(text, '[İΣ]')
                THEN regexp_replace(replace(text, 'İ', 'i̇'), final_sigma(), '\1ς\2', 'g')
            ELSE text
        END
    );

-- The key of a subject, by Open Library's own rule (openlibrary/subject_keys.py).
CREATE OR REPLACE MACRO subject_key(spelling) AS
    stripped(translate(lowered(stripped(spelling)), ' ;/?:@&=+$,<>#%"{}|\^[]`' || chr(10) || chr(13), '_'));
