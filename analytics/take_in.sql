-- Takes what is new in the logs into audit_events, and drops what is gone from them: run it again after each load.
DELETE FROM audit_events AS known
WHERE
    stream = 'audit_logs'
    AND NOT EXISTS (SELECT 1 FROM tap_endorlabs.audit_logs AS log WHERE log.uuid = known.uuid);
DELETE FROM audit_events AS known
WHERE
    stream = 'authentication_logs'
    AND NOT EXISTS (SELECT 1 FROM tap_endorlabs.authentication_logs AS log WHERE log.uuid = known.uuid);

INSERT INTO audit_events
WITH actors AS (
    SELECT
        audit_columns.*,
        regexp_replace(message_kind, '^.*\.', '') AS kind,
        -- The first name that is an address, else the first name; a job's without what is random in it.
        coalesce(
            -- Quotes inside of a claim are escaped, so no claim can feign another.
            lower(first_match(claims, '(?:[\[,] ?"(?:email|user)=|"subject": ?")([^"@\s\\]+@[^"@\s\\]+\.[^"@\s\\]+)')),
            lower(first_match(created_by, '^([^@\s]+@[^@\s]+\.[^@\s]+)')),
            regexp_replace(
                coalesce(
                    first_match(claims, '(?:[\[,] ?"(?:email|user)=|"subject": ?")([^"]+)'),
                    nullif(created_by, '')
                ),
                '(-([0-9]{5,}|[b-df-hj-np-tv-xz2-9]{8,10}))?-[b-df-hj-np-tv-xz2-9]{5}@k8s$',
                '@k8s'
            ),
            'unknown'
        ) AS actor
    FROM audit_columns
),
credentials AS (
    SELECT
        actors.*,
        CASE
            WHEN claims LIKE '%"api-key"%' OR created_by LIKE '%@api-key' THEN 'API key'
            WHEN claims LIKE '%"x509"%' OR actor LIKE '%@k8s' OR actor IN ('system', 'unknown') THEN 'system'
            ELSE 'person'
        END AS credential
    FROM actors
)
SELECT
    stream,
    uuid,
    happened_at,
    loaded_at,
    namespace,
    actor,
    credential,
    CASE WHEN credential = 'API key' THEN first_match(claims, '[\[,] ?"ID=([^"]+)') END,
    CASE
        WHEN kind LIKE '%Telemetry' THEN 'telemetry'
        WHEN stream = 'authentication_logs' OR (kind = 'AuthenticationLog' AND operation NOT LIKE 'OPERATION%')
            THEN 'sign-in'
        WHEN
            kind IN (
                'ArtifactSignature', 'BatchFileSegments', 'CallGraphData', 'CodeOwners', 'DependencyMetadata',
                'Finding', 'FindingLog', 'LicenseDependency', 'LinterResult', 'Metric', 'PackageVersion',
                'PluginBinary', 'Repository', 'RepositoryVersion', 'ScanLogRequest', 'ScanResult',
                'ScanWorkflowResult', 'VersionUpgrade'
            )
            AND (credential <> 'person' OR operation LIKE '%CREATE' OR operation LIKE '%UPSERT')
            THEN 'scan'
        ELSE 'change'
    END,
    operation,
    CASE WHEN stream = 'authentication_logs' THEN 'AuthenticationLog' ELSE kind END,
    message_uuid,
    CASE WHEN stream = 'authentication_logs' THEN uri ELSE resource_name END,
    nullif(description, ''),
    CASE
        -- In its compact form the API may leave out what is false.
        WHEN stream = 'authentication_logs' THEN NOT coalesce(success = 'true', status = '200', FALSE)
        ELSE coalesce(error_code, '0') <> '0'
    END,
    CASE WHEN stream = 'authentication_logs' THEN status ELSE error_code END,
    CASE WHEN stream = 'authentication_logs' THEN nullif(sign_in_error, '') ELSE error_message END,
    nullif(remote_address, ''),
    regexp_replace(
        regexp_replace(nullif(remote_address, ''), '^([0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+$', '\1.0/24'),
        '^([0-9a-f]*:[0-9a-f]*:[0-9a-f]*):[0-9a-f:]*$', '\1::/48'
    ),
    policy_type,
    CASE
        WHEN disable = 'true' OR disable_enforcement = 'true' THEN TRUE
        WHEN disable IS NOT NULL OR disable_enforcement IS NOT NULL THEN FALSE
    END,
    CASE
        WHEN first_match(rules, '("\*": ?\{[^{}]*"METHOD_ALL")') IS NULL THEN roles
        ELSE concat(roles, ' all resources')
    END,
    nullif(coalesce(exception_ends, other_ends), ''),
    coalesce(nullif(user_email, ''), clause, allowed_ip_subnets),
    lower(first_match(coalesce(nullif(user_email, ''), clause), '[^@="\s]@([^@",\s\\]+\.[^@",\s\\]+)')),
    -- Names of organizations have no commas.
    CASE
        WHEN authorized_tenants LIKE '["%'
            THEN length(authorized_tenants) - length(replace(authorized_tenants, ',', '')) + 1
    END
FROM credentials;
