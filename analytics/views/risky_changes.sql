-- Which changes weaken what protects the organization, or open it to others?
CREATE OR REPLACE VIEW risky_changes AS
WITH usual_domains AS (
    SELECT domain
    FROM (
        SELECT domain, count(*) AS people, sum(count(*)) OVER () AS all_people
        FROM (
            SELECT DISTINCT actor, split_part(actor, '@', 2) AS domain
            FROM audit_events
            WHERE credential = 'person'
        ) AS person
        GROUP BY domain
    ) AS counted
    WHERE 5 * people >= all_people
),
changes AS (
    SELECT
        audit_events.*,
        coalesce(roles LIKE '%SYSTEM_ROLE_ADMIN%' OR roles LIKE '%all resources', FALSE) AS is_admin,
        lag(roles) OVER earlier AS roles_before,
        lag(target) OVER earlier AS target_before,
        lag(disabled) OVER earlier AS disabled_before,
        lag(policy_type) OVER earlier AS type_before,
        lag(expires_at) OVER earlier AS expired_before,
        lag(uuid) OVER earlier AS uuid_before,
        count(CASE WHEN policy_type NOT IN ('POLICY_TYPE_EXCEPTION', 'POLICY_TYPE_NOTIFICATION') THEN 1 END)
            OVER (earlier ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > 0 AS protected_before
    FROM audit_events
    WHERE
        NOT failed
        AND activity = 'change'
        AND resource_kind IN (
            'APIKey', 'AuditLog', 'AuthenticationLog', 'AuthorizationPolicy', 'Exporter', 'IPAddressPolicy',
            'IdentityProvider', 'Installation', 'Invitation', 'Namespace', 'NotificationTarget', 'PackageManager',
            'Policy', 'SCMCredential', 'Tenant'
        )
    WINDOW earlier AS (
        PARTITION BY
            resource_kind,
            -- An object that is not named is none of those before.
            coalesce(resource_uuid, uuid),
            -- What says nothing of the object is no state of it.
            operation LIKE '%DELETE'
            OR coalesce(policy_type, roles, expires_at, target, CAST(disabled AS VARCHAR)) IS NOT NULL
        ORDER BY happened_at, uuid
    )
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
        changes.*,
        CASE
            WHEN resource_kind IN ('AuditLog', 'AuthenticationLog') AND operation NOT LIKE '%CREATE'
                THEN 'audit log touched'
            WHEN resource_kind = 'IdentityProvider' THEN 'identity provider'
            WHEN resource_kind = 'IPAddressPolicy' THEN 'IP policy'
            WHEN resource_kind IN ('Namespace', 'Tenant') AND operation LIKE '%DELETE' AND credential <> 'system'
                THEN 'namespace deleted'
            WHEN
                resource_kind IN ('AuthorizationPolicy', 'APIKey') AND is_admin AND operation NOT LIKE '%DELETE'
                -- The same again is no news.
                AND (roles_before IS DISTINCT FROM roles OR target_before IS DISTINCT FROM target)
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
                policy_type = 'POLICY_TYPE_EXCEPTION' AND expires_at IS NULL AND disabled IS NOT TRUE
                AND operation NOT LIKE '%DELETE'
                AND (
                    uuid_before IS NULL OR expired_before IS NOT NULL OR disabled_before
                    OR type_before IS DISTINCT FROM policy_type
                )
                THEN 'endless exception'
            WHEN resource_kind IN ('Installation', 'SCMCredential', 'PackageManager') AND credential <> 'system'
                THEN 'integration'
            WHEN resource_kind = 'NotificationTarget' AND credential <> 'system' THEN 'notification'
            WHEN resource_kind = 'Exporter' AND credential <> 'system' THEN 'exporter'
        END AS rule
    FROM changes CROSS JOIN audit_settings
)
SELECT
    happened_at,
    CASE
        WHEN rule = 'audit log touched' THEN 'critical'
        WHEN
            rule = 'IP policy'
            AND (
                operation LIKE '%DELETE' OR disabled OR first_match(target, '([0-9A-Za-z:*])') IS NULL
                OR first_match(
                    lower(target),
                    -- All addresses, in any spelling; IPv4 networks wider than a /8; IPv6 networks wider than a /16.
                    '(?:^|["\s,\[])(\*|any|all|0\.0\.0\.0|::|[0-9a-f.:]+/0[0.]*|[0-9.]+/0*[1-7]'
                    || '|(?:[0-9a-e][0-9a-f]*)?:[0-9a-f:.]*/0*(?:[1-9]|1[0-5])|[0:]*:ffff:[0-9a-f:.]+/(?:9[0-9]|10[0-3]))'
                    || '(?:$|["\s,\]])'
                ) IS NOT NULL
            )
            THEN 'critical'
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
            'The organization may be used from: ', coalesce(target, 'it is not said'),
            CASE WHEN disabled THEN ', but the policy is off.' ELSE '.' END
        )
        WHEN 'namespace deleted' THEN 'All that was in the namespace is gone.'
        WHEN 'admin granted' THEN concat('Full rights for ', coalesce(target, 'an API key'), '.')
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
