-- Who deleted much more than usual, at one go or over a week?
CREATE OR REPLACE VIEW deletions AS
WITH deleted AS (
    SELECT
        actor,
        credential,
        happened_at,
        uuid,
        remote_address,
        resource_kind,
        lag(happened_at) OVER (PARTITION BY actor, credential ORDER BY happened_at, uuid) AS happened_before
    FROM audit_events
    WHERE operation LIKE '%DELETE' AND NOT failed
),
marked AS (
    SELECT
        deleted.*,
        CASE WHEN happened_at <= happened_before + mass_deletion_minutes * INTERVAL '1 minute' THEN 0 ELSE 1 END AS begins
    FROM deleted CROSS JOIN audit_settings
),
numbered AS (
    SELECT marked.*, sum(begins) OVER (PARTITION BY actor, credential ORDER BY happened_at, uuid) AS spree
    FROM marked
),
sprees AS (
    SELECT
        actor,
        credential,
        min(happened_at) AS first_at,
        max(happened_at) AS last_at,
        count(*) AS deletions,
        count(DISTINCT resource_kind) AS kinds,
        max(CASE WHEN begins = 1 THEN uuid END) AS uuid,
        max(CASE WHEN begins = 1 THEN remote_address END) AS remote_address,
        max(CASE WHEN begins = 1 THEN resource_kind END) AS resource_kind
    FROM numbered
    GROUP BY actor, credential, spree
),
fast AS (
    SELECT
        sprees.*,
        max(deletions) OVER (
            PARTITION BY actor, credential ORDER BY first_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS most_before
    FROM sprees
),
-- What was deleted at one go is told by itself.
single AS (
    SELECT
        sized.*,
        CAST(happened_at AS DATE) AS day,
        lead(CAST(happened_at AS DATE)) OVER (PARTITION BY actor, credential ORDER BY happened_at, uuid) AS next_day
    FROM (SELECT numbered.*, count(*) OVER (PARTITION BY actor, credential, spree) AS in_spree FROM numbered) AS sized
    WHERE in_spree < (SELECT mass_deletion FROM audit_settings)
),
days AS (
    SELECT
        actor,
        credential,
        day,
        count(*) AS deletions,
        max(CASE WHEN next_day IS DISTINCT FROM day THEN uuid END) AS uuid,
        max(CASE WHEN next_day IS DISTINCT FROM day THEN remote_address END) AS remote_address,
        max(CASE WHEN next_day IS DISTINCT FROM day THEN resource_kind END) AS resource_kind,
        max(happened_at) AS last_at
    FROM single
    GROUP BY actor, credential, day
),
weeks AS (
    SELECT
        days.*,
        sum(deletions) OVER (
            PARTITION BY actor, credential ORDER BY day RANGE BETWEEN INTERVAL '6 days' PRECEDING AND CURRENT ROW
        ) AS in_week
    FROM days
),
slow AS (
    SELECT
        weeks.*,
        -- Of the weeks that don't overlap this one.
        max(in_week) OVER (
            PARTITION BY actor, credential ORDER BY day
            RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '7 days' PRECEDING
        ) AS most_before,
        max(in_week) OVER (
            PARTITION BY actor, credential ORDER BY day
            RANGE BETWEEN INTERVAL '7 days' PRECEDING AND INTERVAL '1 day' PRECEDING
        ) AS lately
    FROM weeks
)
SELECT
    first_at AS happened_at,
    CASE
        -- What a job does each night is not known before.
        WHEN
            credential = 'system' AND actor <> 'unknown' AND most_before IS NULL
            AND first_at < log_since + baseline_days * INTERVAL '1 day'
            THEN 'low'
        ELSE 'high'
    END AS severity,
    'mass deletion' AS rule,
    actor,
    remote_address,
    resource_kind AS object,
    uuid,
    concat(
        'Deleted ', deletions, ' objects of ', kinds, ' kinds until ', last_at,
        '; the most before was ', coalesce(most_before, 0), '.'
    ) AS reason
FROM fast CROSS JOIN audit_settings CROSS JOIN log_begin
WHERE deletions >= mass_deletion AND deletions >= times_usual * coalesce(most_before, 0)
UNION ALL
SELECT
    last_at AS happened_at,
    'medium' AS severity,
    'slow deletion' AS rule,
    actor,
    remote_address,
    resource_kind AS object,
    uuid,
    concat('Deleted ', in_week, ' objects one by one in a week; the most before was ', coalesce(most_before, 0), '.')
        AS reason
FROM slow CROSS JOIN audit_settings
WHERE
    in_week >= slow_deletion AND in_week >= times_usual * coalesce(most_before, 0)
    AND coalesce(lately, 0) < slow_deletion;
