-- One row is one of the $most subjects that most works have, of each list of works in `subject_lists`: how many works, and
-- how the subject is spelled most often.
--
-- A work that has it in several spellings counts once. Tags that stand among subjects and are none are left out: those with
-- the keys $$tags, and those spelled like $$beginnings.
WITH listed AS (
    SELECT subject, work_key, unnest(list_distinct(subjects)) AS spelling
    FROM subject_lists
),
spellings AS (
    SELECT subject, spelling, subject_key(spelling) AS key, count(*) AS uses
    FROM listed
    GROUP BY subject, spelling
),
subjects AS (
    SELECT subject, key, stripped(arg_min(spelling, (-uses, spelling))) AS name, max(uses) AS least, sum(uses) AS most
    FROM spellings
    WHERE key <> ''
        AND key NOT IN ($tags)
        AND NOT regexp_matches(spelling, $beginnings)
    GROUP BY subject, key
),
-- Works are counted of those only that may be among the first: counting them takes longest.
candidates AS (
    SELECT subject, key, name
    FROM (
        SELECT *, nth_value(least, $most) OVER (
            PARTITION BY subject ORDER BY least DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS enough
        FROM subjects
    )
    WHERE most >= coalesce(enough, 0)
)
SELECT candidates.subject, candidates.key, candidates.name, count(DISTINCT listed.work_key) AS works
FROM candidates
JOIN spellings USING (subject, key)
JOIN listed USING (subject, spelling)
GROUP BY candidates.subject, candidates.key, candidates.name
QUALIFY row_number() OVER (PARTITION BY candidates.subject ORDER BY works DESC, candidates.key) <= $most
ORDER BY candidates.subject, works DESC, candidates.key
