-- When was there no event for longer than usual, up to now?
CREATE OR REPLACE VIEW silent_feed AS
WITH present AS (
    SELECT coalesce(as_of, now() AT TIME ZONE 'UTC') AS until, silent_hours FROM audit_settings
),
hours AS (
    SELECT stream, date_trunc('hour', happened_at) AS hour, min(happened_at) AS first_at, max(happened_at) AS last_at
    FROM audit_events CROSS JOIN log_begin CROSS JOIN present
    -- An event of the future is no sign of life.
    WHERE happened_at BETWEEN log_since AND until
    GROUP BY stream, date_trunc('hour', happened_at)
),
gaps AS (
    SELECT stream, last_at, lead(first_at) OVER (PARTITION BY stream ORDER BY hour) AS next_at
    FROM hours
),
silences AS (
    SELECT gaps.*, silent_hours, coalesce(next_at, until) - last_at AS silence
    FROM gaps CROSS JOIN present
    WHERE coalesce(next_at, until) >= last_at + silent_hours * INTERVAL '1 hour'
),
before AS (
    SELECT
        silences.stream,
        silences.last_at,
        earlier.silence,
        row_number() OVER (
            PARTITION BY silences.stream, silences.last_at ORDER BY earlier.silence DESC
        ) AS place
    FROM silences JOIN silences AS earlier
        ON earlier.stream = silences.stream
        AND earlier.last_at < silences.last_at
        AND earlier.last_at >= silences.last_at - INTERVAL '28 days'
),
compared AS (
    -- What happened once may be a fault, or an event with a wrong time.
    SELECT silences.*, before.silence AS usual
    FROM silences LEFT JOIN before
        ON before.stream = silences.stream AND before.last_at = silences.last_at AND before.place = 2
)
SELECT
    last_at AS happened_at,
    'high' AS severity,
    'silent feed' AS rule,
    'the feed' AS actor,
    CAST(NULL AS VARCHAR) AS remote_address,
    compared.stream AS object,
    min(uuid) AS uuid,
    concat(
        'No event until ', coalesce(CAST(next_at AS VARCHAR), 'now'),
        '; in the four weeks before, at most one silence was longer than ',
        coalesce(CAST(usual AS VARCHAR), concat(silent_hours, ' hours')), '.'
    ) AS reason
FROM compared JOIN audit_events ON audit_events.stream = compared.stream AND happened_at = last_at
WHERE usual IS NULL OR silence >= 2 * usual
GROUP BY compared.stream, last_at, next_at, usual, silent_hours;
