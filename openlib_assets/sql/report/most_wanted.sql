-- One row is one of the $most works most in demand, first the one that is most so: who wants and reads it, and whether
-- the store sells it.
SELECT
    listed.work_key,
    listed.title,
    listed.author_names,
    -- As in gold/stocking_list.sql.
    CASE WHEN details.languages IS NOT NULL THEN greatest(0, coalesce(details.want_to_read, 0)) END AS wanted,
    CASE
        WHEN details.languages IS NOT NULL
            THEN greatest(0, coalesce(details.currently_reading, 0)) + greatest(0, coalesce(details.already_read, 0))
    END AS readers,
    works.edition_count,
    listed.in_store,
    listed.duplicate_of IS NOT NULL AS is_duplicate
FROM stocking_list AS listed
JOIN works USING (work_key)
LEFT JOIN work_details AS details USING (work_key)
ORDER BY listed.demand DESC NULLS LAST, listed.rank
LIMIT $most
