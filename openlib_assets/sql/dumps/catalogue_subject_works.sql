-- One row is a work of a subject, as Open Library's API would give it.
WITH listed AS (
    SELECT unnest(subject_keys) AS subject, work_key, payload, document
    FROM work_documents
)
SELECT subject, work_key, payload, document
FROM listed
CROSS JOIN band
WHERE (band.first IS NULL OR subject >= band.first) AND (band.last IS NULL OR subject < band.last)
ORDER BY subject, work_key
