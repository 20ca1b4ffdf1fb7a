-- One row is a subject that a work of the dump has, under the name that most works spell it by.
WITH typed AS (
    SELECT 'subject' AS subject_type, '' AS prefix, unnest(list_distinct(subjects)) AS spelling FROM work_records
    UNION ALL
    SELECT 'person', 'person:', unnest(list_distinct(people)) FROM work_records
    UNION ALL
    SELECT 'place', 'place:', unnest(list_distinct(places)) FROM work_records
    UNION ALL
    SELECT 'time', 'time:', unnest(list_distinct(times)) FROM work_records
),
spelled AS (
    SELECT subject_type, prefix, spelling, count(*) AS votes
    FROM typed
    GROUP BY ALL
),
named AS (
    SELECT
        prefix || index_key(spelling) AS subject,
        any_value(subject_type) AS subject_type,
        arg_min(spelling, (-votes, spelling)) AS name
    FROM spelled
    GROUP BY subject
),
listed AS (
    SELECT work_key, unnest(subject_keys) AS subject
    FROM work_documents
),
counted AS (
    SELECT subject, count(*) AS works, count(came.work_key) AS new_works
    FROM listed
    LEFT JOIN (SELECT work_key FROM catalogue_works ANTI JOIN catalogue_works_before USING (work_key)) AS came USING (work_key)
    GROUP BY subject
)
SELECT
    subject,
    subject_type,
    name,
    works,
    CASE WHEN (SELECT date_before FROM dump) IS NOT NULL THEN new_works END AS new_works
FROM counted
JOIN named USING (subject)
ORDER BY subject
