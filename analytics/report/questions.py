"""What the report asks of the views, in DuckDB's SQL. Each list has `total`, how many rows there are of it."""

from __future__ import annotations

# Some lists ask the alerts, so they are found once.
FIND_ALERTS = "CREATE TEMP TABLE found AS SELECT * FROM alerts"

# One event with a wrong time would make charts of centuries; an event of the future is not the newest.
FIND_RANGE = """
CREATE TEMP TABLE drawn AS
SELECT greatest(newest - INTERVAL '366 days', TIMESTAMP '1970-01-02') AS since, newest
FROM (
    SELECT
        least(
            coalesce(max(happened_at) FILTER (WHERE NOT is_future), max(happened_at)), TIMESTAMP '9000-01-01'
        ) AS newest
    FROM (
        SELECT happened_at, happened_at > coalesce(as_of, now() AT TIME ZONE 'UTC') AS is_future
        FROM audit_events CROSS JOIN audit_settings
    )
)
"""

FIGURES = """
SELECT
    count(*) FILTER (WHERE stream = 'audit_logs') AS events,
    count(*) FILTER (WHERE stream = 'authentication_logs') AS sign_ins,
    count(*) FILTER (WHERE failed) AS failed,
    count(*) FILTER (WHERE happened_at NOT BETWEEN since AND newest) AS undrawn,
    min(happened_at) AS first_at,
    max(happened_at) AS last_at,
    (SELECT time_zone FROM audit_settings) AS time_zone
FROM audit_events CROSS JOIN drawn
"""

# Sign-ins may belong to the system, not to an organization.
ORGANIZATIONS = """
SELECT split_part(namespace, '.', 1) AS name, count(*) AS events
FROM audit_events
WHERE namespace IS NOT NULL AND (stream = 'audit_logs' OR namespace <> 'system')
GROUP BY name
ORDER BY events DESC, name
"""

ACTIVITIES = """
SELECT
    activity,
    count(*) AS events,
    count(*) FILTER (WHERE failed) AS failed,
    count(DISTINCT actor) AS actors,
    count(DISTINCT remote_address) AS addresses
FROM audit_events
GROUP BY activity
ORDER BY CASE activity WHEN 'change' THEN 1 WHEN 'sign-in' THEN 2 WHEN 'scan' THEN 3 ELSE 4 END
"""

ALERTS = """
SELECT *, count(*) OVER () AS total FROM found WHERE severity = $severity
ORDER BY happened_at DESC, uuid, rule, reason LIMIT $most
"""

RULES = "SELECT severity, rule, count(*) AS alerts FROM found GROUP BY ALL ORDER BY alerts DESC, rule"

ALERTS_BY_DAY = """
SELECT CAST(happened_at AS DATE) AS day, severity, count(*) AS alerts
FROM found CROSS JOIN drawn WHERE happened_at BETWEEN since AND newest GROUP BY ALL ORDER BY 1
"""

# What was refused comes before what went wrong.
FAILURES = """
SELECT
    count(*) AS times,
    actor,
    concat(lower(regexp_replace(operation, '^OPERATION_', '')), ' ', resource_kind) AS tried,
    concat(error_code, ' ', max_by(error_message, (happened_at, uuid))) AS error,
    CASE
        WHEN count(DISTINCT remote_address) > 1 THEN concat(count(DISTINCT remote_address), ' addresses')
        ELSE min(remote_address)
    END AS remote_address,
    max(happened_at) AS last_at,
    count(*) OVER () AS total
FROM audit_events
WHERE failed AND activity <> 'sign-in'
GROUP BY actor, operation, resource_kind, error_code
ORDER BY coalesce(error_code IN ('7', '16'), FALSE) DESC, times DESC, last_at DESC, actor, tried
LIMIT $most
"""

NEW = """
SELECT *, count(*) OVER () AS total
FROM new_for_actor
WHERE
    rule IN ('new actor', 'new address')
    AND happened_at > (SELECT newest - INTERVAL '7 days' FROM drawn)
ORDER BY happened_at DESC, uuid, rule, reason
LIMIT $most
"""

SIGN_INS = """
SELECT
    actor,
    credential,
    count(*) AS sign_ins,
    count(*) FILTER (WHERE failed) AS failed,
    count(DISTINCT remote_address) AS addresses,
    max(tenants) AS organizations,
    max(happened_at) AS last_at,
    count(*) OVER () AS total
FROM audit_events
WHERE activity = 'sign-in'
GROUP BY actor, credential
ORDER BY failed DESC, sign_ins DESC, actor, credential
LIMIT $most
"""

CHANGES_BY_DAY = """
SELECT
    CAST(happened_at AS DATE) AS day,
    count(*) FILTER (WHERE NOT failed) AS done,
    count(*) FILTER (WHERE failed) AS failed
FROM audit_events CROSS JOIN drawn
WHERE activity = 'change' AND happened_at BETWEEN since AND newest
GROUP BY day ORDER BY day
"""

CHANGES_BY_ACTOR = """
SELECT
    actor,
    count(*) FILTER (WHERE NOT failed) AS done,
    count(*) FILTER (WHERE failed) AS failed,
    count(*) OVER () AS total
FROM audit_events WHERE activity = 'change' GROUP BY actor ORDER BY count(*) DESC, actor LIMIT $most
"""

CHANGES_BY_HOUR = """
SELECT isodow(local_time) AS weekday, hour(local_time) AS hour, count(*) AS changes
FROM (
    SELECT (happened_at AT TIME ZONE 'UTC') AT TIME ZONE time_zone AS local_time
    FROM audit_events CROSS JOIN audit_settings
    WHERE activity = 'change' AND isfinite(happened_at)
) GROUP BY ALL
"""

EVENTS_BETWEEN = """
SELECT count(*) FILTER (WHERE happened_at < $stop) AS inside, count(*) FILTER (WHERE happened_at >= $stop) AS behind
FROM audit_events WHERE stream = 'audit_logs' AND happened_at >= $start
"""
