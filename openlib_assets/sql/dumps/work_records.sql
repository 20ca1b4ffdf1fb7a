-- One row is a work as the dump has it, or an edition without a work, which is one itself; Open Library takes no subtitle,
-- people, places or times from that.
SELECT work_key, title, subtitle, author_keys, cover_id, subjects, people, places, times
FROM dump_works
WHERE reason IS NULL
UNION ALL
SELECT edition_key AS work_key, title, NULL AS subtitle, author_keys, cover_id, subjects, [], [], []
FROM dump_editions
WHERE reason IS NULL AND array_length(work_keys) = 0
ORDER BY work_key
