-- One row is a line of the file of authors: what is wanted of its record, or why it cannot be used.
WITH parsed AS (
    SELECT line, line_text, type, key, author_record(record) AS record, starts_with(ltrim(record), '{') AS is_object
    FROM lines
),
judged AS (
    SELECT
        *,
        CASE
            WHEN type <> '/type/author' THEN 'type is not /type/author'
            WHEN NOT regexp_full_match(key, '/authors/OL[0-9]+A') THEN 'not the key of an author'
            WHEN record IS NULL OR NOT is_object THEN 'not a JSON object'
        END AS reason
    FROM parsed
)
SELECT
    line,
    reason,
    CASE WHEN reason IS NOT NULL THEN line_text END AS line_text,
    substr(key, 1 + length('/authors/')) AS author_key,
    record.name AS name,
    record.birth_date AS birth_date,
    record.death_date AS death_date
FROM judged
