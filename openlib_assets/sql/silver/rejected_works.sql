-- One row is a work whose record cannot be used, with the first reason.
--
-- What can be read without guessing is: a whole number as text or with nothing behind its point; a null in a list, which
-- says nothing; an author who has a name and no key, who is left out.
WITH fields AS (
    SELECT
        work_key,
        from_json(
            payload,
            '{
                "title": "JSON",
                "first_publish_year": "JSON",
                "edition_count": "JSON",
                "cover_id": "JSON",
                "has_fulltext": "JSON",
                "subject": "JSON",
                "authors": "JSON"
            }'
        ) AS record
    FROM received_works
),
lists AS (
    SELECT
        work_key,
        record,
        list_filter(from_json(record.subject, '["JSON"]'), lambda subject: json_type(subject) <> 'VARCHAR') AS odd_subjects,
        list_filter(
            from_json(record.authors, '["JSON"]'),
            lambda author: author IS NOT NULL AND NOT (
                json_type(author) = 'OBJECT'
                AND coalesce(json_type(author, '$.name'), 'NULL') IN ('VARCHAR', 'NULL')
                AND CASE coalesce(json_type(author, '$.key'), 'NULL')
                    WHEN 'VARCHAR' THEN regexp_full_match(author ->> '$.key', '/authors/OL[0-9]+A')
                    WHEN 'NULL' THEN coalesce(author ->> '$.name', '') <> ''
                    ELSE false
                END
            )
        ) AS odd_authors
    FROM fields
),
reasons AS (
    SELECT
        work_key,
        CASE
            WHEN json_type(record.title) NOT IN ('VARCHAR', 'NULL') THEN 'title is not a text'
            WHEN json_type(record.first_publish_year) <> 'NULL' AND whole_number(record.first_publish_year) IS NULL
                THEN 'first_publish_year is not a whole number'
            WHEN json_type(record.edition_count) <> 'NULL' AND whole_number(record.edition_count) IS NULL
                THEN 'edition_count is not a whole number'
            WHEN json_type(record.cover_id) <> 'NULL' AND whole_number(record.cover_id) IS NULL
                THEN 'cover_id is not a whole number'
            WHEN json_type(record.has_fulltext) NOT IN ('BOOLEAN', 'NULL') THEN 'has_fulltext is not true or false'
            WHEN json_type(record.subject) NOT IN ('ARRAY', 'NULL') OR len(odd_subjects) > 0
                THEN 'subject is not a list of texts'
            WHEN json_type(record.authors) NOT IN ('ARRAY', 'NULL') OR len(odd_authors) > 0
                THEN 'authors is not a list of authors'
        END AS reason
    FROM lists
)
SELECT work_key, raw_works.position, reasons.reason, raw_works.payload
FROM reasons
JOIN raw_works USING (work_key)
WHERE reasons.reason IS NOT NULL
ORDER BY work_key
