-- One row is the current snapshot of a subject: its works, and how many came and went.
WITH changes AS (
    SELECT
        subject,
        count(*) FILTER (WHERE change = 'added') AS added,
        count(*) FILTER (WHERE change = 'removed') AS removed
    FROM fresh_subject_changes
    GROUP BY subject
)
SELECT
    summary.subject,
    current_snapshots.snapshot,
    summary.fetched_at,
    summary.works,
    summary.works_dated,
    CASE WHEN current_snapshots.has_one_before THEN coalesce(changes.added, 0) END AS works_added,
    CASE WHEN current_snapshots.has_one_before THEN coalesce(changes.removed, 0) END AS works_removed
FROM fresh_subject_summary AS summary
JOIN current_snapshots USING (subject)
LEFT JOIN changes USING (subject)
