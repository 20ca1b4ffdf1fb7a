-- One row is a line of the file of ratings: who rated is not told; or why the line cannot be used.
WITH judged AS (
    SELECT
        *,
        CASE
            WHEN NOT regexp_full_match(key, '/works/OL[0-9]+W') THEN 'not the key of a work'
            WHEN NOT regexp_full_match(rating, '[1-5]') THEN 'not a rating from 1 to 5'
            WHEN NOT is_date(rated_on) THEN 'not a date'
        END AS reason
    FROM lines
)
SELECT
    line,
    reason,
    CASE WHEN reason IS NOT NULL THEN line_text END AS line_text,
    substr(key, 1 + length('/works/')) AS work_key,
    CASE WHEN reason IS NULL THEN try_cast(rating AS BIGINT) END AS rating,
    rated_on
FROM judged
