-- When was there no event for longer than usual, up to now?
CREATE OR REPLACE VIEW silent_feed AS
WITH hours AS (
    SELECT stream, date_trunc('hour', happened_at) AS hour, min(happened_at) AS first_at, max(happened_at) AS last_at
    FROM audit_events
    GROUP BY stream, date_trunc('hour', happened_at)
),
gaps AS (
    SELECT stream, last_at, lead(first_at) OVER (PARTITION BY stream ORDER BY hour) AS next_at
    FROM hours
),
silences AS (
    SELECT
        gaps.*,
        silent_hours,
        coalesce(next_at, as_of, now() AT TIME ZONE 'UTC') - last_at AS silence
    FROM gaps CROSS JOIN audit_settings
    WHERE coalesce(next_at, as_of, now() AT TIME ZONE 'UTC') >= last_at + silent_hours * INTERVAL '1 hour'
),
compared AS (
    SELECT
        silences.*,
        max(silence) OVER (
            PARTITION BY stream ORDER BY last_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS longest
    FROM silences
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
        'No event until ', coalesce(CAST(next_at AS VARCHAR), 'now'), '; the longest silence before was ',
        coalesce(CAST(longest AS VARCHAR), concat('shorter than ', silent_hours, ' hours')), '.'
    ) AS reason
FROM compared JOIN audit_events ON audit_events.stream = compared.stream AND happened_at = last_at
WHERE longest IS NULL OR silence >= 2 * longest
GROUP BY compared.stream, last_at, next_at, longest, silent_hours;
