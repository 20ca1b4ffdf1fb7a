-- One row is an edition to order, for a subject.
FROM fetched_order_list
