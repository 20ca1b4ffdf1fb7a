-- One row is a work that came or went with the last snapshot of a subject, if that was fetched since the moment asked.
SELECT changes.subject, changes.work_key, changes.title, changes.change
FROM subject_changes AS changes
JOIN subject_history AS history
    ON history.subject = changes.subject
    AND history.snapshot = changes.current_snapshot
WHERE changes.change IN ('added', 'removed')
    AND history.fetched_at >= (SELECT since FROM asked)
