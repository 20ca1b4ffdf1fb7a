-- One row is a work: how an e-book of it can be had at the Internet Archive, by the record of the snapshot.
--
-- readable: by everybody; borrowable: one reader at a time; restricted: scanned, for readers with a print disability or
-- not lent; none: no scan. Whether a copy is on loan right now changes by the hour and is not looked at.
WITH records AS (
    SELECT
        work_key,
        from_json(payload, '{"public_scan": "BOOLEAN", "lending_edition": "VARCHAR", "has_fulltext": "BOOLEAN"}') AS record
    FROM parseable_works
)
SELECT
    work_key,
    CASE
        WHEN record.public_scan THEN 'readable'
        WHEN record.lending_edition <> '' THEN 'borrowable'
        WHEN record.has_fulltext THEN 'restricted'
        ELSE 'none'
    END AS access
FROM records
