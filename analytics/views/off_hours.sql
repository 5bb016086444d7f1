-- Who changed something at an hour at which this person is never active?
CREATE OR REPLACE VIEW off_hours AS
WITH active AS (
    SELECT
        actor,
        CAST(happened_at AS DATE) AS day,
        CAST(extract(HOUR FROM happened_at) AS INTEGER) AS hour,
        min(CASE WHEN activity = 'change' THEN happened_at END) AS changed_at
    FROM audit_events
    WHERE credential = 'person'
    GROUP BY 1, 2, 3
),
totals AS (
    SELECT actor, count(DISTINCT day) AS days FROM active GROUP BY actor
),
-- An hour is known from its neighbours as well.
habits AS (
    SELECT actor, hour, count(DISTINCT day) AS days
    FROM (
        SELECT actor, day, (hour + shift + 24) % 24 AS hour
        FROM active CROSS JOIN (VALUES (-1), (0), (1)) AS shifts (shift)
    ) AS around
    GROUP BY actor, hour
),
rare AS (
    SELECT habits.actor, habits.hour, habits.days, totals.days AS all_days
    FROM habits JOIN totals ON totals.actor = habits.actor CROSS JOIN audit_settings
    WHERE
        totals.days >= habit_days
        -- This day itself is no habit.
        AND (habits.days - 1) * 100 < habit_percent * totals.days
),
unusual AS (
    SELECT
        active.actor,
        active.day,
        min(active.changed_at) AS changed_at,
        min(rare.days) AS days,
        min(rare.all_days) AS all_days
    FROM active JOIN rare ON rare.actor = active.actor AND rare.hour = active.hour
    WHERE active.changed_at IS NOT NULL
    GROUP BY active.actor, active.day
)
SELECT DISTINCT ON (unusual.actor, unusual.day)
    event.happened_at,
    CASE
        WHEN event.resource_kind IN ('APIKey', 'AuthorizationPolicy', 'IdentityProvider', 'Policy') THEN 'medium'
        ELSE 'low'
    END AS severity,
    'off hours' AS rule,
    event.actor,
    event.remote_address,
    concat(event.resource_kind, ' ', coalesce(event.resource_name, event.resource_uuid)) AS object,
    event.uuid,
    concat('This person is active at this hour on ', unusual.days, ' of ', unusual.all_days, ' days.') AS reason
FROM unusual JOIN audit_events AS event
    ON event.actor = unusual.actor
    AND event.happened_at = unusual.changed_at
    AND event.activity = 'change'
    AND event.credential = 'person'
ORDER BY unusual.actor, unusual.day, event.uuid;
