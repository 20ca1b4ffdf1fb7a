-- One row is a work of a subject, ranked by whether to stock it.
FROM stacked_stocking_list
ORDER BY subject, rank
