-- What the store sells of some works; no table of its own.

-- One row is a work and a row of the store that it is or may be: that of store_matches, and others that are as likely.
CREATE OR REPLACE TEMP VIEW works_in_store AS
SELECT store_candidates.work_key, store_candidates.row, store_matches.decision, store_catalogue.units_sold
FROM store_matches
JOIN store_candidates USING (row)
JOIN store_catalogue USING (row)
-- As the margin of a match is rounded (silver/store_matches.sql).
WHERE round(store_matches.score - store_candidates.score, 3) < 0.02;
