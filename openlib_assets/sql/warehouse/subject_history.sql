-- One row is the current snapshot of a subject: its works, and how many came and went.
WITH changes AS (
    SELECT
        subject,
        count(*) FILTER (WHERE change = 'added') AS added,
        count(*) FILTER (WHERE change = 'removed') AS removed
    FROM fetched_subject_changes
    GROUP BY subject
)
SELECT
    summary.subject,
    snapshots.snapshot,
    summary.fetched_at,
    summary.works,
    summary.works_dated,
    CASE WHEN snapshots.has_one_before THEN coalesce(changes.added, 0) END AS works_added,
    CASE WHEN snapshots.has_one_before THEN coalesce(changes.removed, 0) END AS works_removed
FROM fetched_subject_summary AS summary
JOIN fetched_snapshots AS snapshots USING (subject)
LEFT JOIN changes USING (subject)
