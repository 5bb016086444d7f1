-- When was there no event for longer than usual, up to now?
CREATE OR REPLACE VIEW silent_feed AS
WITH times AS (
    SELECT stream, uuid, happened_at, lead(happened_at) OVER (PARTITION BY stream ORDER BY happened_at, uuid) AS next_at
    FROM audit_events
),
ends AS (
    SELECT times.*, coalesce(next_at, as_of, now() AT TIME ZONE 'UTC') AS until, silent_hours
    FROM times CROSS JOIN audit_settings
),
silences AS (
    SELECT * FROM ends WHERE until >= happened_at + silent_hours * INTERVAL '1 hour'
),
compared AS (
    SELECT
        silences.*,
        max(until - happened_at) OVER (
            PARTITION BY stream ORDER BY happened_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS longest
    FROM silences
)
SELECT
    happened_at,
    'high' AS severity,
    'silent feed' AS rule,
    'the feed' AS actor,
    CAST(NULL AS VARCHAR) AS remote_address,
    stream AS object,
    uuid,
    concat(
        'No event until ', coalesce(CAST(next_at AS VARCHAR), 'now'), '; the longest silence before was ',
        coalesce(CAST(longest AS VARCHAR), concat('shorter than ', silent_hours, ' hours')), '.'
    ) AS reason
FROM compared
WHERE longest IS NULL OR until - happened_at >= 2 * longest;
