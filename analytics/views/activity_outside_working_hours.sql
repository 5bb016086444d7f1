-- What happened at night and at weekends? Hours and days are those of audit_settings.
CREATE OR REPLACE VIEW activity_outside_working_hours AS
WITH local_events AS (
    SELECT
        audit_events.*,
        (happened_at AT TIME ZONE 'UTC') AT TIME ZONE time_zone AS local_time
    FROM audit_events CROSS JOIN audit_settings
)
SELECT
    happened_at,
    local_time,
    actor,
    by_api_key,
    operation,
    resource_kind,
    resource_uuid,
    remote_address,
    namespace,
    uuid
FROM local_events CROSS JOIN audit_settings
WHERE
    extract(ISODOW FROM local_time) NOT BETWEEN first_working_day AND last_working_day
    OR extract(HOUR FROM local_time) < work_begins
    OR extract(HOUR FROM local_time) >= work_ends;
