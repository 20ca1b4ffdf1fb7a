-- One row is a work of the subject.
--
-- A year is ok when 1000 < year <= year of the snapshot + 1 (Open Library's rule in its publishing history).
WITH records AS (
    SELECT
        work_key,
        from_json(
            payload,
            '{
                "title": "VARCHAR",
                "first_publish_year": "BIGINT",
                "edition_count": "BIGINT",
                "has_fulltext": "BOOLEAN",
                "cover_id": "BIGINT",
                "subject": ["VARCHAR"],
                "authors": [{"key": "VARCHAR"}]
            }'
        ) AS record
    FROM parseable_works
)
SELECT
    work_key,
    nullif(record.title, '__None__') AS title,
    record.first_publish_year AS first_publish_year,
    CASE
        WHEN record.first_publish_year IS NULL THEN 'missing'
        WHEN record.first_publish_year > 1000
            AND record.first_publish_year <= (SELECT snapshot_year FROM snapshot) + 1 THEN 'ok'
        ELSE 'implausible'
    END AS year_status,
    record.edition_count AS edition_count,
    coalesce(array_length(list_distinct(list_transform(record.authors, lambda author: author.key))), 0) AS author_count,
    record.has_fulltext AS has_fulltext,
    CASE WHEN record.cover_id > 0 THEN record.cover_id END AS cover_id,
    coalesce(list_filter(record.subject, lambda subject: subject IS NOT NULL), []) AS subjects
FROM records
ORDER BY work_key
