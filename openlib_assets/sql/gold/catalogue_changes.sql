-- One row is a work that came, went or changed since the dump before.
WITH RECURSIVE compared AS (
    SELECT
        work_key,
        CASE WHEN told.work_key IS NULL THEN told_before.title ELSE told.title END AS title,
        CASE
            WHEN told_before.work_key IS NULL THEN 'added'
            WHEN told.work_key IS NULL THEN 'removed'
            ELSE 'changed'
        END AS change
    FROM catalogue_works AS told
    FULL JOIN catalogue_works_before AS told_before USING (work_key)
    WHERE
        told.work_key IS NULL
        OR told_before.work_key IS NULL
        OR told.title IS DISTINCT FROM told_before.title
        OR told.first_publish_year IS DISTINCT FROM told_before.first_publish_year
        OR told.year_status IS DISTINCT FROM told_before.year_status
        OR told.edition_count IS DISTINCT FROM told_before.edition_count
        OR told.cover_id IS DISTINCT FROM told_before.cover_id
        OR told.subjects IS DISTINCT FROM told_before.subjects
        OR told.author_keys IS DISTINCT FROM told_before.author_keys
        OR told.author_names IS DISTINCT FROM told_before.author_names
),
followed(work_key, place, hops) AS (
    SELECT work_key, address_of(work_key), 0
    FROM compared
    WHERE change = 'removed'
    UNION ALL
    SELECT followed.work_key, dump_redirects.location, followed.hops + 1
    FROM followed
    JOIN dump_redirects ON dump_redirects.key = followed.place
    WHERE dump_redirects.reason IS NULL AND followed.hops < 10
),
ends AS (
    SELECT work_key, arg_max(place, hops) AS place
    FROM followed
    GROUP BY work_key
),
merged AS (
    SELECT ends.work_key, works.work_key AS merged_into
    FROM ends
    ANTI JOIN (FROM dump_redirects WHERE reason IS NULL) AS leads_on ON leads_on.key = ends.place
    JOIN catalogue_works AS works ON address_of(works.work_key) = ends.place
)
SELECT work_key, title, change, merged_into, dump.date_before AS previous_dump, dump.date AS current_dump
FROM compared
LEFT JOIN merged USING (work_key)
CROSS JOIN dump
WHERE dump.date_before IS NOT NULL
ORDER BY work_key
