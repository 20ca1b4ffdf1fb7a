-- One row is a line of a dump that cannot be used.
SELECT 'works' AS file, line, reason, line_text AS text FROM dump_works WHERE reason IS NOT NULL
UNION ALL
SELECT 'editions', line, reason, line_text FROM dump_editions WHERE reason IS NOT NULL
UNION ALL
SELECT 'authors', line, reason, line_text FROM dump_authors WHERE reason IS NOT NULL
UNION ALL
SELECT 'redirects', line, reason, line_text FROM dump_redirects WHERE reason IS NOT NULL
UNION ALL
SELECT 'ratings', line, reason, line_text FROM dump_ratings WHERE reason IS NOT NULL
UNION ALL
SELECT 'reading-log', line, reason, line_text FROM dump_reading_log WHERE reason IS NOT NULL
ORDER BY file, line
