-- Helpers for reading JSON as it was received; no table of their own.

-- A JSON text that is fit for parsing.
-- A lone surrogate (half of a character, \ud800 to \udfff) is legal in JSON text but in no UTF-8 column: each becomes
-- U+FFFD. The first replacement marks every surrogate, and every token that must not be mistaken for one, with U+FFFD
-- (which cannot occur in ASCII text); the second takes the mark away again from the innocent.
CREATE OR REPLACE MACRO fit_for_parsing(payload) AS CASE
    WHEN contains(payload, '\ud') OR contains(payload, '\uD') THEN
        regexp_replace(
            regexp_replace(
                payload,
                '(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}',
                '\1' || chr(65533),
                'g'
            ),
            '(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})' || chr(65533),
            '\1',
            'g'
        )
    ELSE payload
END;

-- A whole number of 64 bits, also as a real below 10^15 without a fraction; null for anything else.
CREATE OR REPLACE MACRO count_field(field) AS CASE json_type(field)
    WHEN 'UBIGINT' THEN try_cast(field AS BIGINT)
    WHEN 'BIGINT' THEN try_cast(field AS BIGINT)
    WHEN 'DOUBLE' THEN
        CASE
            WHEN abs(try_cast(field AS DOUBLE)) < 1e15 AND try_cast(field AS DOUBLE) = trunc(try_cast(field AS DOUBLE))
                THEN try_cast(try_cast(field AS DOUBLE) AS BIGINT)
        END
END;

-- The same, also as a text of digits.
CREATE OR REPLACE MACRO whole_number(field) AS CASE
    WHEN json_type(field) = 'VARCHAR' AND regexp_full_match(field ->> '$', '-?[0-9]{1,18}')
        THEN try_cast(field ->> '$' AS BIGINT)
    ELSE count_field(field)
END;

-- Null for what is not of the type.
CREATE OR REPLACE MACRO number_field(field) AS
    CASE WHEN json_type(field) IN ('UBIGINT', 'BIGINT', 'DOUBLE') THEN try_cast(field AS DOUBLE) END;
CREATE OR REPLACE MACRO text_field(field) AS CASE WHEN json_type(field) = 'VARCHAR' THEN field ->> '$' END;
-- The texts of a list, without its nulls, which say nothing; an empty list where there is no field.
CREATE OR REPLACE MACRO texts_field(field) AS CASE coalesce(json_type(field), 'NULL')
    WHEN 'NULL' THEN []
    WHEN 'ARRAY' THEN
        CASE
            WHEN NOT list_has_any(
                json_type(field, '$[*]'), ['UBIGINT', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'OBJECT', 'ARRAY']
            ) THEN list_filter(field ->> '$[*]', lambda one: one IS NOT NULL)
        END
END;
-- 1 for a field that says something, of which nothing could be made.
CREATE OR REPLACE MACRO is_odd(field, made) AS (coalesce(json_type(field), 'NULL') <> 'NULL' AND made IS NULL)::INTEGER;
