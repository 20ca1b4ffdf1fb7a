-- One row is a work that is rated or on a shelf.
--
-- Ratings come in bursts that no readers gave: days with at least 100 of them, of which more than half are four stars.
WITH burst_days AS (
    SELECT rated_on
    FROM dump_ratings
    WHERE reason IS NULL
    GROUP BY rated_on
    HAVING count(*) >= 100 AND 2 * count(*) FILTER (WHERE rating = 4) > count(*)
),
rated AS (
    SELECT
        work_key,
        count(*) AS ratings_count,
        sum(rating) / count(*) AS ratings_average,
        count(burst_days.rated_on) AS burst_ratings_count
    FROM dump_ratings
    LEFT JOIN burst_days USING (rated_on)
    WHERE reason IS NULL
    GROUP BY work_key
),
shelved AS (
    SELECT
        work_key,
        count(*) FILTER (WHERE shelf = 'Want to Read') AS want_to_read,
        count(*) FILTER (WHERE shelf = 'Currently Reading') AS currently_reading,
        count(*) FILTER (WHERE shelf = 'Already Read') AS already_read,
        count(*) FILTER (WHERE shelf = 'Stopped Reading') AS stopped_reading
    FROM dump_reading_log
    WHERE reason IS NULL
    GROUP BY work_key
)
SELECT
    work_key,
    coalesce(ratings_count, 0) AS ratings_count,
    ratings_average,
    coalesce(burst_ratings_count, 0) AS burst_ratings_count,
    coalesce(want_to_read, 0) AS want_to_read,
    coalesce(currently_reading, 0) AS currently_reading,
    coalesce(already_read, 0) AS already_read,
    coalesce(stopped_reading, 0) AS stopped_reading
FROM rated
FULL JOIN shelved USING (work_key)
ORDER BY work_key
