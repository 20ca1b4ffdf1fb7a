-- The keys of the works to order: of the stocking list, the first that the store is not known to sell, that are no
-- duplicates, and that are not known to lack the languages in `asked`.
SELECT listed.work_key
FROM stocking_list AS listed
CROSS JOIN asked
WHERE
    coalesce(listed.in_store, 'no') = 'no'
    AND listed.duplicate_of IS NULL
    AND (
        coalesce(len(listed.languages), 0) = 0
        OR list_has_any(listed.languages, string_split(asked.languages, ','))
    )
QUALIFY row_number() OVER (ORDER BY listed.rank) <= asked.most
ORDER BY listed.rank
