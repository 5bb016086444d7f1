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
        lag(uuid) OVER earlier AS uuid_before
    FROM audit_events
    WHERE
        NOT failed
        AND activity = 'change'
        AND resource_kind IN (
            'APIKey', 'AuditLog', 'AuthenticationLog', 'AuthorizationPolicy', 'Exporter', 'IPAddressPolicy',
            'IdentityProvider', 'Installation', 'Invitation', 'Namespace', 'NotificationTarget', 'PackageManager',
            'Policy', 'SCMCredential', 'Tenant'
        )
    WINDOW earlier AS (PARTITION BY resource_kind, resource_uuid ORDER BY happened_at, uuid)
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
                AND CASE
                    WHEN own_domains = '' THEN target_domain NOT IN (SELECT domain FROM usual_domains)
                    ELSE concat(',', own_domains, ',') NOT LIKE concat('%,', target_domain, ',%')
                END
                AND target_domain IS NOT NULL
                THEN 'outside invitation'
            WHEN
                resource_kind = 'Policy' AND coalesce(policy_type, '') <> 'POLICY_TYPE_EXCEPTION'
                AND disabled AND disabled_before IS NOT TRUE
                -- A draft protects nobody yet.
                AND operation NOT LIKE '%CREATE'
                THEN 'policy disabled'
            WHEN
                resource_kind = 'Policy' AND operation LIKE '%DELETE'
                AND coalesce(policy_type, type_before, '') NOT IN ('POLICY_TYPE_EXCEPTION', 'POLICY_TYPE_NOTIFICATION')
                AND disabled_before IS NOT TRUE
                THEN 'policy deleted'
            WHEN
                policy_type = 'POLICY_TYPE_EXCEPTION' AND expires_at IS NULL AND operation NOT LIKE '%DELETE'
                AND (uuid_before IS NULL OR expired_before IS NOT NULL) AND disabled IS NOT TRUE
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
            AND (operation LIKE '%DELETE' OR target LIKE '%"0.0.0.0/0"%' OR target LIKE '%"::/0"%')
            THEN 'critical'
        WHEN
            rule IN (
                'identity provider', 'admin granted', 'outside invitation', 'policy disabled', 'namespace deleted'
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
        WHEN 'IP policy' THEN concat('The organization may be used from: ', coalesce(target, 'it is not said'), '.')
        WHEN 'namespace deleted' THEN 'All that was in the namespace is gone.'
        WHEN 'admin granted' THEN concat('Full rights for ', coalesce(target, 'an API key'), '.')
        WHEN 'outside invitation' THEN concat('Access for somebody outside of the organization: ', target, '.')
        WHEN 'policy disabled' THEN 'The policy is off, or only logs what it should stop.'
        WHEN 'policy deleted' THEN 'What the policy found or stopped passes now.'
        WHEN 'endless exception' THEN 'Findings are let pass without an end.'
        WHEN 'integration' THEN 'The connection to source code or packages was changed.'
        WHEN 'notification' THEN 'Who is told of findings was changed.'
        WHEN 'exporter' THEN 'Where findings are sent to was changed.'
    END AS reason
FROM rules
WHERE rule IS NOT NULL;
