-- One row is an edition to order, for a subject.
FROM stacked_order_list
ORDER BY subject, rank
