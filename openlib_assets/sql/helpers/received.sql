-- Helpers for reading bronze as it was received; no table of their own.

-- One row is a bronze record whose JSON text is fit for parsing.
CREATE OR REPLACE TEMP VIEW received_works AS
SELECT work_key, fit_for_parsing(payload) AS payload
FROM raw_works;
