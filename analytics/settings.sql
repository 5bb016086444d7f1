-- What the views take for normal. Change the values, and load the file again.
CREATE OR REPLACE VIEW audit_settings AS
SELECT
    'UTC' AS time_zone,              -- of working hours and days, such as 'Europe/Berlin'
    8 AS work_begins,                -- full hour, inclusive
    18 AS work_ends,                 -- full hour, exclusive
    1 AS first_working_day,          -- 1 is Monday
    5 AS last_working_day,           -- 7 is Sunday
    10 AS mass_deletion,             -- so many deletions of one actor are many ...
    15 AS mass_deletion_minutes;     -- ... where each comes at most so many minutes after the one before
