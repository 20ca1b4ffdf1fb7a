-- One row is an ISBN-13 of a work.
SELECT work_key, isbn13, subject AS fetched_for
FROM fetched_work_isbns
