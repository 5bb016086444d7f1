-- Which sign-ins failed often, worked after that, or opened many organizations?
CREATE OR REPLACE VIEW sign_ins AS
WITH signed AS (
    SELECT * FROM audit_events WHERE activity = 'sign-in'
),
tries AS (
    SELECT 'this actor' AS who, actor AS value, signed.* FROM signed
    UNION ALL
    -- Who has one IPv6 address has the network around it.
    SELECT 'this address' AS who, CASE WHEN network LIKE '%/64' THEN network ELSE remote_address END AS value, signed.*
    FROM signed
    WHERE remote_address IS NOT NULL
),
failing AS (
    SELECT DISTINCT who, value
    FROM (
        SELECT
            who,
            value,
            count(*) OVER (
                PARTITION BY who, value ORDER BY happened_at RANGE BETWEEN INTERVAL '30 days' PRECEDING AND CURRENT ROW
            ) AS failed_in_a_month
        FROM tries
        WHERE failed
    ) AS failures CROSS JOIN audit_settings
    WHERE failed_in_a_month >= sign_in_failures
),
numbered AS (
    SELECT
        tries.*,
        count(CASE WHEN failed THEN 1 END) OVER (
            PARTITION BY who, value ORDER BY happened_at RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW
        ) AS failed_lately,
        count(CASE WHEN NOT failed THEN 1 END) OVER (
            PARTITION BY who, value ORDER BY happened_at, uuid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS worked_before
    FROM tries JOIN failing USING (who, value)
),
counted AS (
    SELECT
        numbered.*,
        count(CASE WHEN failed THEN 1 END) OVER (
            PARTITION BY who, value, worked_before
            ORDER BY happened_at RANGE BETWEEN INTERVAL '30 days' PRECEDING AND CURRENT ROW
        ) AS failed_in_a_row
    FROM numbered
),
alarming AS (
    SELECT
        counted.*,
        -- Once a day, but each place from which an actor got in, and each actor who got in from an address.
        row_number() OVER (
            PARTITION BY
                who,
                value,
                failed,
                CASE WHEN NOT failed THEN actor END,
                CASE WHEN NOT failed THEN remote_address END,
                CAST(happened_at AS DATE)
            ORDER BY happened_at, uuid
        ) AS place
    FROM counted CROSS JOIN audit_settings
    WHERE
        -- From the address of an office some always fail while others sign in.
        (failed_lately >= sign_in_failures AND (failed OR who = 'this actor'))
        OR (failed_in_a_row >= sign_in_failures AND NOT failed)
)
SELECT
    happened_at,
    CASE WHEN failed THEN 'medium' ELSE 'high' END AS severity,
    CASE WHEN failed THEN 'sign-in failures' ELSE 'sign-in after failures' END AS rule,
    actor,
    remote_address,
    resource_name AS object,
    uuid,
    CASE
        WHEN failed THEN concat(failed_lately, ' failed sign-ins of ', who, ' within an hour.')
        ELSE concat('It worked after ', greatest(failed_lately, failed_in_a_row), ' failures of ', who, '.')
    END AS reason
FROM alarming
WHERE place = 1
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
    SELECT signed.*, row_number() OVER (PARTITION BY actor, tenants ORDER BY happened_at, uuid) AS place
    FROM signed CROSS JOIN audit_settings
    WHERE tenants >= many_tenants
) AS opened
WHERE place = 1;
