-- One row is a snapshot of a subject.
FROM stacked_history
ORDER BY subject, snapshot
