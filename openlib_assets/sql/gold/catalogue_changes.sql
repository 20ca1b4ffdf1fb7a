-- One row is a work that came, went or changed since the dump before.
WITH RECURSIVE compared AS (
    SELECT
        work_key,
        coalesce(works.title, before.title) AS title,
        CASE
            WHEN before.work_key IS NULL THEN 'added'
            WHEN works.work_key IS NULL THEN 'removed'
            WHEN works IS DISTINCT FROM before THEN 'changed'
        END AS change
    FROM catalogue_works AS works
    FULL JOIN catalogue_works_before AS before USING (work_key)
    WHERE change IS NOT NULL
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
