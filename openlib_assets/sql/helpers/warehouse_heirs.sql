-- One row is a subject whose tables have to say what works are, since the subject that did so lists them no more.
WITH orphans AS (
    SELECT work_subjects.work_key, arg_min(work_subjects.subject, (-epoch_us(subjects.fetched_at), work_subjects.subject)) AS subject
    FROM work_subjects
    SEMI JOIN touched_work_key USING (work_key)
    ANTI JOIN changed_works USING (work_key)
    JOIN subjects USING (subject)
    GROUP BY work_subjects.work_key
)
SELECT DISTINCT subject
FROM orphans
ORDER BY subject
