-- One row is a work of a subject, ranked by whether to stock it.
FROM fetched_stocking_list
