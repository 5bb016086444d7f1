-- Which changes weaken what protects the organization, or open it to others?
CREATE OR REPLACE VIEW risky_changes AS
WITH usual_domains AS (
    SELECT domain
    FROM (
        SELECT split_part(actor, '@', 2) AS domain, count(*) AS people, sum(count(*)) OVER () AS all_people
        FROM (SELECT DISTINCT actor FROM audit_events WHERE credential = 'person') AS person
        GROUP BY split_part(actor, '@', 2)
    ) AS counted
    WHERE 5 * people >= all_people
),
numbered AS (
    SELECT
        audit_events.*,
        -- Whether it is an exception without end, if that is said.
        CASE
            WHEN disabled OR expires_at IS NOT NULL THEN 'no'
            WHEN policy_type = 'POLICY_TYPE_EXCEPTION' THEN 'yes'
            WHEN policy_type IS NOT NULL THEN 'no'
        END AS endless,
        lpad(CAST(row_number() OVER (ORDER BY happened_at, uuid) AS VARCHAR), 18, '0') AS place,
        -- What was said before a deletion is gone.
        count(CASE WHEN operation LIKE '%DELETE' THEN 1 END) OVER (
            PARTITION BY resource_kind, coalesce(resource_uuid, uuid)
            ORDER BY happened_at, uuid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS deletions
    FROM audit_events
    WHERE
        NOT failed
        AND activity = 'change'
        AND resource_kind IN (
            'APIKey', 'AuditLog', 'AuthenticationLog', 'AuthorizationPolicy', 'Exporter', 'IPAddressPolicy',
            'IdentityProvider', 'Installation', 'Invitation', 'Namespace', 'NotificationTarget', 'PackageManager',
            'Policy', 'SCMCredential', 'Tenant'
        )
),
changes AS (
    SELECT
        numbered.*,
        -- The last that was said of each, as a change may leave out what it leaves as it was.
        substr(max(place || roles) OVER earlier, 19) AS roles_before,
        substr(max(place || target) OVER earlier, 19) AS target_before,
        substr(max(place || policy_type) OVER earlier, 19) AS type_before,
        substr(max(place || endless) OVER earlier, 19) AS endless_before,
        substr(max(place || CAST(disabled AS VARCHAR)) OVER earlier, 19) = 'true' AS disabled_before,
        count(CASE WHEN policy_type NOT IN ('POLICY_TYPE_EXCEPTION', 'POLICY_TYPE_NOTIFICATION') THEN 1 END)
            OVER earlier > 0 AS protected_before
    FROM numbered
    WINDOW earlier AS (
        -- An object that is not named is none of those before.
        PARTITION BY resource_kind, coalesce(resource_uuid, uuid), deletions
        ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
sized AS (
    SELECT
        uuid,
        CASE
            -- No plainly written address, and no network of at most a /8 (IPv6: /16).
            WHEN
                network = '0.0.0.0'
                OR length(network) - length(replace(network, ':', '')) > 7
                OR first_match(
                    network,
                    '^((?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:[.](?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}'
                    || '(?:/(?:[89]|[12][0-9]|3[0-2]))?'
                    -- IPv6 that begins with 0 may stand for IPv4. fc00::/7 is private, as 10.0.0.0/8 is.
                    || '|[1-9a-f][0-9a-f]{3}(?:(?::[0-9a-f]{1,4}){7}|(?::[0-9a-f]{1,4})*::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?)'
                    || '(?:/(?:1[6-9]|[2-9][0-9]|1[01][0-9]|12[0-8]))?|fc00::/7))$'
                ) IS NULL
                THEN 3
            -- Private.
            WHEN network LIKE 'fc%' OR network LIKE 'fd%' THEN 0
            ELSE power(
                2,
                CASE WHEN network LIKE '%:%' THEN 16 - coalesce(prefix, 128) ELSE 8 - coalesce(prefix, 32) END
            )
        END AS size  -- in /8 (IPv6: /16)
    FROM (
        SELECT uuid, network, CAST(first_match(network, '/([0-9]{1,3})$') AS INTEGER) AS prefix
        FROM (
            SELECT DISTINCT uuid, trim(unnest(string_to_array(lower(target), ',')), '[" ]') AS network
            FROM audit_events
            WHERE resource_kind = 'IPAddressPolicy'
        ) AS listed
    ) AS parted
),
-- The private networks of IPv4 are together a little wider than a /8.
open_policies AS (
    SELECT uuid FROM sized GROUP BY uuid HAVING sum(size) > 2
),
outsiders AS (
    SELECT uuid
    FROM (
        SELECT uuid, unnest(string_to_array(target_domains, ',')) AS domain
        FROM audit_events
        WHERE target_domains IS NOT NULL
    ) AS named CROSS JOIN audit_settings
    WHERE CASE
        WHEN own_domains = '' THEN domain NOT IN (SELECT usual_domains.domain FROM usual_domains)
        ELSE concat(',', lower(replace(own_domains, ' ', '')), ',') NOT LIKE concat('%,', domain, ',%')
    END
),
rules AS (
    SELECT
        known.*,
        CASE
            WHEN resource_kind IN ('AuditLog', 'AuthenticationLog') AND operation NOT LIKE '%CREATE'
                THEN 'audit log touched'
            WHEN resource_kind = 'IdentityProvider' THEN 'identity provider'
            WHEN resource_kind = 'IPAddressPolicy' THEN 'IP policy'
            WHEN resource_kind IN ('Namespace', 'Tenant') AND operation LIKE '%DELETE' AND credential <> 'system'
                THEN 'namespace deleted'
            WHEN
                resource_kind IN ('AuthorizationPolicy', 'APIKey') AND operation NOT LIKE '%DELETE'
                AND (roles_now LIKE '%SYSTEM_ROLE_ADMIN%' OR roles_now LIKE '%all resources')
                -- The same again is no news.
                AND (
                    roles_now IS DISTINCT FROM roles_before
                    OR coalesce(target, target_before) IS DISTINCT FROM target_before
                )
                THEN 'admin granted'
            WHEN
                resource_kind IN ('AuthorizationPolicy', 'Invitation') AND operation NOT LIKE '%DELETE'
                AND target_before IS DISTINCT FROM target
                AND uuid IN (SELECT outsiders.uuid FROM outsiders)
                THEN 'outside invitation'
            WHEN
                resource_kind = 'Policy' AND coalesce(policy_type, type_before, '') <> 'POLICY_TYPE_EXCEPTION'
                AND disabled AND disabled_before IS NOT TRUE
                -- A draft protects nobody yet.
                AND operation NOT LIKE '%CREATE'
                THEN 'policy disabled'
            WHEN
                (
                    (type_before = 'POLICY_TYPE_ADMISSION' AND policy_type <> 'POLICY_TYPE_ADMISSION')
                    OR (
                        protected_before AND type_before IS DISTINCT FROM policy_type
                        AND policy_type IN ('POLICY_TYPE_EXCEPTION', 'POLICY_TYPE_NOTIFICATION')
                    )
                )
                AND disabled_before IS NOT TRUE
                THEN 'policy loosened'
            WHEN
                resource_kind = 'Policy' AND operation LIKE '%DELETE'
                AND coalesce(policy_type, type_before, '') NOT IN ('POLICY_TYPE_EXCEPTION', 'POLICY_TYPE_NOTIFICATION')
                AND disabled_before IS NOT TRUE
                THEN 'policy deleted'
            WHEN
                endless = 'yes' AND endless_before IS DISTINCT FROM 'yes' AND operation NOT LIKE '%DELETE'
                THEN 'endless exception'
            WHEN resource_kind IN ('Installation', 'SCMCredential', 'PackageManager') AND credential <> 'system'
                THEN 'integration'
            WHEN resource_kind = 'NotificationTarget' AND credential <> 'system' THEN 'notification'
            WHEN resource_kind = 'Exporter' AND credential <> 'system' THEN 'exporter'
        END AS rule,
        coalesce(target, '') = '' OR uuid IN (SELECT open_policies.uuid FROM open_policies) AS is_open
    FROM (SELECT changes.*, coalesce(roles, roles_before) AS roles_now FROM changes) AS known
)
SELECT
    happened_at,
    CASE
        WHEN rule = 'audit log touched' THEN 'critical'
        WHEN rule = 'IP policy' AND (operation LIKE '%DELETE' OR disabled OR is_open) THEN 'critical'
        WHEN
            rule IN (
                'admin granted', 'identity provider', 'namespace deleted', 'outside invitation', 'policy disabled',
                'policy loosened'
            )
            THEN 'high'
        ELSE 'medium'
    END AS severity,
    rule,
    actor,
    remote_address,
    concat(resource_kind, ' ', coalesce(resource_name, resource_uuid)) AS object,
    uuid,
    CASE rule
        WHEN 'audit log touched' THEN 'The record of what happened was changed or deleted.'
        WHEN 'identity provider' THEN 'How people sign in was changed: another provider can sign in as anyone.'
        WHEN 'IP policy' THEN concat(
            'The organization may be used from: ', coalesce(nullif(target, ''), 'it is not said'),
            CASE
                WHEN disabled THEN ', but the policy is off.'
                WHEN target <> '' AND is_open THEN '. That is wide, or no plain list of networks: look at it.'
                ELSE '.'
            END
        )
        WHEN 'namespace deleted' THEN 'All that was in the namespace is gone.'
        WHEN 'admin granted' THEN concat('Full rights for ', coalesce(target, target_before, 'an API key'), '.')
        WHEN 'outside invitation' THEN concat('Access for somebody outside of the organization: ', target, '.')
        WHEN 'policy disabled' THEN 'The policy is off, or only logs what it should stop.'
        WHEN 'policy loosened' THEN concat('The policy no longer finds or stops what it did: it is a ', policy_type, ' now.')
        WHEN 'policy deleted' THEN 'What the policy found or stopped passes now.'
        WHEN 'endless exception' THEN 'Findings are let pass without an end.'
        WHEN 'integration' THEN 'The connection to source code or packages was changed.'
        WHEN 'notification' THEN 'Who is told of findings was changed.'
        WHEN 'exporter' THEN 'Where findings are sent to was changed.'
    END AS reason
FROM rules
WHERE rule IS NOT NULL;
