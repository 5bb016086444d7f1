-- Who was refused many times in a row, for the first time in a week?
CREATE OR REPLACE VIEW denied_often AS
WITH refusals AS (
    SELECT
        audit_events.*,
        lag(happened_at) OVER (PARTITION BY actor, credential ORDER BY happened_at, uuid) AS happened_before
    FROM audit_events
    WHERE failed AND activity <> 'sign-in' AND error_code IN ('7', '16')
),
numbered AS (
    SELECT
        refusals.*,
        sum(CASE WHEN happened_at <= happened_before + denied_minutes * INTERVAL '1 minute' THEN 0 ELSE 1 END)
            OVER (PARTITION BY actor, credential ORDER BY happened_at, uuid) AS streak
    FROM refusals CROSS JOIN audit_settings
),
streaks AS (
    SELECT
        actor,
        credential,
        min(happened_at) AS first_at,
        max(happened_at) AS last_at,
        count(*) AS refused,
        count(DISTINCT resource_kind) AS kinds,
        (array_agg(uuid ORDER BY happened_at, uuid))[1] AS uuid,
        (array_agg(remote_address ORDER BY happened_at, uuid))[1] AS remote_address,
        (array_agg(resource_kind ORDER BY happened_at, uuid))[1] AS resource_kind
    FROM numbered
    GROUP BY actor, credential, streak
    HAVING count(*) >= (SELECT denied_often FROM audit_settings)
),
ranked AS (
    SELECT
        streaks.*,
        -- A job that lacks a permission is refused day after day, but for one kind.
        row_number() OVER (
            PARTITION BY actor, credential, kinds > 1, date_trunc('week', first_at) ORDER BY first_at
        ) AS place
    FROM streaks
)
SELECT
    first_at AS happened_at,
    CASE WHEN kinds > 1 THEN 'high' ELSE 'medium' END AS severity,
    'denied often' AS rule,
    actor,
    remote_address,
    resource_kind AS object,
    uuid,
    concat('Refused ', refused, ' times until ', last_at, ', for ', kinds, ' kinds of objects.') AS reason
FROM ranked
WHERE place = 1;
