-- One row is a line of the file of shelves: a work that somebody put on one; or why the line cannot be used.
WITH judged AS (
    SELECT
        *,
        CASE
            WHEN NOT regexp_full_match(key, '/works/OL[0-9]+W') THEN 'not the key of a work'
            WHEN shelf NOT IN ('Want to Read', 'Currently Reading', 'Already Read', 'Stopped Reading') THEN 'not a shelf'
            WHEN NOT is_date(shelved_on) THEN 'not a date'
        END AS reason
    FROM lines
)
SELECT
    line,
    reason,
    CASE WHEN reason IS NOT NULL THEN line_text END AS line_text,
    substr(key, 1 + length('/works/')) AS work_key,
    shelf
FROM judged
