-- Which sign-ins failed often, worked after that, or opened many organizations?
CREATE OR REPLACE VIEW sign_ins AS
WITH signed AS (
    SELECT * FROM audit_events WHERE activity = 'sign-in'
),
failures AS (
    SELECT 'this actor' AS who, actor AS value, signed.* FROM signed WHERE failed
    UNION ALL
    SELECT 'this address' AS who, remote_address AS value, signed.*
    FROM signed
    WHERE failed AND remote_address IS NOT NULL
),
counted AS (
    SELECT
        failures.*,
        count(*) OVER (
            PARTITION BY who, value ORDER BY happened_at RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW
        ) AS failed_lately
    FROM failures
),
bursts AS (
    SELECT counted.*, lag(happened_at) OVER (PARTITION BY who, value ORDER BY happened_at, uuid) AS burst_before
    FROM counted CROSS JOIN audit_settings
    WHERE failed_lately >= sign_in_failures
),
starts AS (
    SELECT * FROM bursts WHERE burst_before IS NULL OR happened_at > burst_before + INTERVAL '1 day'
)
SELECT
    happened_at,
    'medium' AS severity,
    'sign-in failures' AS rule,
    actor,
    remote_address,
    resource_name AS object,
    uuid,
    concat(failed_lately, ' failed sign-ins of ', who, ' within an hour.') AS reason
FROM starts
UNION ALL
SELECT DISTINCT ON (starts.who, starts.uuid)
    signed.happened_at,
    'high' AS severity,
    'sign-in after failures' AS rule,
    signed.actor,
    signed.remote_address,
    signed.resource_name AS object,
    signed.uuid,
    concat('It worked after ', starts.failed_lately, ' failures of ', starts.who, '.') AS reason
FROM starts JOIN signed
    ON NOT signed.failed
    AND (CASE WHEN starts.who = 'this actor' THEN signed.actor ELSE signed.remote_address END) = starts.value
    AND signed.happened_at BETWEEN starts.happened_at AND starts.happened_at + INTERVAL '1 hour'
UNION ALL
SELECT
    happened_at,
    'medium' AS severity,
    'many organizations' AS rule,
    actor,
    remote_address,
    resource_name AS object,
    uuid,
    concat('One sign-in opened ', tenants, ' organizations.') AS reason
FROM (
    SELECT signed.*, row_number() OVER (PARTITION BY actor, tenants ORDER BY happened_at, uuid) AS place FROM signed
) AS opened CROSS JOIN audit_settings
WHERE tenants >= many_tenants AND place = 1;
