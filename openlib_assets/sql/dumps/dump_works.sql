-- One row is a line of the file of works: what is wanted of its record, or why it cannot be used.
WITH parsed AS (
    SELECT line, line_text, type, key, work_record(record) AS record, starts_with(ltrim(record), '{') AS is_object
    FROM lines
),
judged AS (
    SELECT
        *,
        CASE
            WHEN type <> '/type/work' THEN 'type is not /type/work'
            WHEN NOT regexp_full_match(key, '/works/OL[0-9]+W') THEN 'not the key of a work'
            WHEN record IS NULL OR NOT is_object THEN 'not a JSON object'
        END AS reason
    FROM parsed
)
SELECT
    line,
    reason,
    CASE WHEN reason IS NOT NULL THEN line_text END AS line_text,
    substr(key, 1 + length('/works/')) AS work_key,
    record.title AS title,
    record.subtitle AS subtitle,
    listed_author_keys(record.authors) AS author_keys,
    first_cover(record.covers) AS cover_id,
    listed_texts(record.subjects) AS subjects,
    listed_texts(record.subject_people) AS people,
    listed_texts(record.subject_places) AS places,
    listed_texts(record.subject_times) AS times
FROM judged
