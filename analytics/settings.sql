-- What the views take for normal. Change the values, and load the file again.
CREATE OR REPLACE VIEW audit_settings AS
SELECT
    'UTC' AS time_zone,              -- of the report's hours, such as 'Europe/Berlin'
    '' AS own_domains,               -- such as 'acme.com,acme.io'; '': those of at least a fifth of the people
    '' AS muted_rules,               -- what alerts leaves out, such as 'endless exception,new actor'
    7 AS baseline_days,              -- what an actor does in the first days is not new
    4 AS roaming,                    -- who has more new networks in two weeks is at home in none
    3 AS shared_by,                  -- what so many others did before is not new
    10 AS mass_deletion,             -- so many deletions of one actor are many ...
    15 AS mass_deletion_minutes,     -- ... where each comes at most so many minutes after the one before
    40 AS slow_deletion,             -- so many deletions of one actor in seven days are many
    3 AS times_usual,                -- how much more than usual is unusual
    10 AS denied_often,              -- so many refusals of one actor ...
    60 AS denied_minutes,            -- ... each at most so many minutes after the one before
    10 AS habit_days,                -- days after which an actor's hours are known
    5 AS habit_percent,              -- hours in which somebody is active on fewer days are off hours
    10 AS sign_in_failures,          -- so many failed sign-ins of one actor, or from one address, in an hour
    5 AS many_tenants,               -- a sign-in that opens so many organizations
    3 AS silent_hours,               -- shorter silence is never told
    CAST(NULL AS TIMESTAMP) AS as_of; -- up to when events are waited for, in UTC; NULL: now
