-- Helpers for reading the ISBNs that the search lists; no table of their own.

-- One row is a place in the list of a work of the subject, without blanks and hyphens, and why it is no ISBN, if so.
CREATE OR REPLACE TEMP TABLE received_isbns AS
WITH listed AS (
    SELECT work_key, unnest(from_json(fit_for_parsing(payload), '{"isbn": ["JSON"]}').isbn) AS item
    FROM raw_details
    SEMI JOIN books USING (work_key)
),
bare AS (
    SELECT work_key, bare_isbn(text_field(item)) AS isbn
    FROM listed
    WHERE json_type(item) <> 'NULL'
)
SELECT work_key, isbn, CASE WHEN isbn IS NULL THEN 'not a text' ELSE isbn_fault(isbn) END AS fault
FROM bare;
