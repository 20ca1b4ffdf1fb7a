-- One row is a work that came, went or changed since the dump before.
WITH RECURSIVE told AS (
    SELECT
        work_key,
        title,
        {
            'title': title,
            'first_publish_year': first_publish_year,
            'year_status': year_status,
            'edition_count': edition_count,
            'cover_id': cover_id,
            'subjects': subjects,
            'author_keys': author_keys,
            'author_names': author_names
        } AS record
    FROM catalogue_works
),
told_before AS (
    SELECT
        work_key,
        title,
        {
            'title': title,
            'first_publish_year': first_publish_year,
            'year_status': year_status,
            'edition_count': edition_count,
            'cover_id': cover_id,
            'subjects': subjects,
            'author_keys': author_keys,
            'author_names': author_names
        } AS record
    FROM catalogue_works_before
),
compared AS (
    SELECT
        work_key,
        CASE WHEN told.work_key IS NULL THEN told_before.title ELSE told.title END AS title,
        CASE
            WHEN told_before.work_key IS NULL THEN 'added'
            WHEN told.work_key IS NULL THEN 'removed'
            ELSE 'changed'
        END AS change
    FROM told
    FULL JOIN told_before USING (work_key)
    WHERE told.record IS DISTINCT FROM told_before.record
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
