-- One row is an edition to order, or a work of which none was found: one of the first works of the stocking list that
-- the store is not known to sell. `editions` has a row for each of them, with what was found; `asked` says in which
-- languages, and whether editions were asked for at all.
SELECT
    listed.rank,
    listed.work_key,
    editions.edition_key,
    editions.isbn13,
    CASE WHEN editions.edition_key IS NULL THEN listed.title ELSE editions.title END AS title,
    listed.author_names,
    editions.publisher,
    editions.publish_date,
    editions.language,
    listed.score,
    CASE
        WHEN editions.edition_key IS NOT NULL THEN listed.reason
        WHEN asked.for_editions = 0 THEN listed.reason || ' Editions were not asked for.'
        ELSE listed.reason || ' No edition with an ISBN was found in ' || replace(asked.languages, ',', ', ') || '.'
    END AS reason
FROM stocking_list AS listed
JOIN editions USING (work_key)
CROSS JOIN asked
ORDER BY listed.rank
