-- One row is a line of the file of redirects: from where to where it leads, or why it cannot be used.
WITH parsed AS (
    SELECT line, line_text, type, key, redirect_record(record) AS record, starts_with(ltrim(record), '{') AS is_object
    FROM lines
),
judged AS (
    SELECT
        *,
        CASE
            WHEN type <> '/type/redirect' THEN 'type is not /type/redirect'
            WHEN record IS NULL OR NOT is_object THEN 'not a JSON object'
        END AS reason
    FROM parsed
)
SELECT
    line,
    reason,
    CASE WHEN reason IS NOT NULL THEN line_text END AS line_text,
    key,
    record.location AS location
FROM judged
