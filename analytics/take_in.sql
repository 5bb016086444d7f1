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
        ) AS actor,
        -- Without port, brackets and zone; an IPv4 address that is written as one of IPv6 is that IPv4 address.
        regexp_replace(
            regexp_replace(lower(trim(remote_address)), '^\[([^\]]*)\].*$|^([0-9.]+):[0-9]+$', '\1\2'),
            '^::ffff:([0-9.]+)$|%.*$',
            '\1'
        ) AS address,
        -- By number or by name.
        CASE upper(replace(error_code, '_', ''))
            WHEN '' THEN NULL
            WHEN 'OK' THEN '0'
            WHEN 'PERMISSIONDENIED' THEN '7'
            WHEN 'UNAUTHENTICATED' THEN '16'
            ELSE error_code
        END AS code
    FROM audit_columns
),
credentials AS (
    SELECT
        actors.*,
        CASE
            WHEN claims LIKE '%"api-key"%' OR created_by LIKE '%@api-key' THEN 'API key'
            WHEN claims LIKE '%"x509"%' OR actor LIKE '%@k8s' OR actor IN ('system', 'unknown') THEN 'system'
            ELSE 'person'
        END AS credential,
        CASE
            -- In its compact form the API may leave out what is false: then status and message tell.
            WHEN stream = 'authentication_logs' AND lower(success) IN ('true', 'false') THEN lower(success) = 'false'
            WHEN stream = 'authentication_logs'
                THEN coalesce(sign_in_error, '') <> '' OR first_match(status, '^([23][0-9][0-9])$') IS NULL
            WHEN kind = 'AuthenticationLog' AND payload_success = 'false' THEN TRUE
            WHEN code IS NOT NULL THEN code <> '0'
            WHEN error IS NULL THEN FALSE
            -- An error without a code is one, if anything in it is not empty.
            ELSE regexp_replace(error, '"[^"]*": ?(null|""|\[\]|\{\}|0|false)(, ?)?', '', 'g')
                NOT IN ('{}', '[]', '', '0', 'false', 'null')
        END AS failed
    FROM actors
),
-- All eight groups of an IPv6 address.
halves AS (
    SELECT
        credentials.*,
        nullif(split_part(address, '::', 1), '') AS head,
        nullif(split_part(address, '::', 2), '') AS tail
    FROM credentials
),
networks AS (
    SELECT
        halves.*,
        CASE
            WHEN address LIKE '%:%' THEN concat_ws(
                ':',
                head,
                CASE
                    WHEN address LIKE '%::%' THEN nullif(rtrim(repeat(
                        '0:',
                        CAST(
                            8
                            - coalesce(length(head) - length(replace(head, ':', '')) + 1, 0)
                            - coalesce(length(tail) - length(replace(tail, ':', '')) + 1, 0)
                            AS INTEGER
                        )
                    ), ':'), '')
                END,
                tail
            )
        END AS all_groups
    FROM halves
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
    END AS activity,
    operation,
    CASE WHEN stream = 'authentication_logs' THEN 'AuthenticationLog' ELSE kind END,
    coalesce(nullif(message_uuid, ''), nullif(payload_uuid, '')),
    CASE WHEN stream = 'authentication_logs' THEN uri ELSE resource_name END,
    nullif(description, ''),
    failed,
    CASE WHEN stream = 'authentication_logs' THEN status ELSE code END,
    CASE
        WHEN stream = 'authentication_logs' THEN nullif(sign_in_error, '')
        WHEN error LIKE '{%' OR NOT failed THEN error_message
        ELSE error
    END,
    nullif(remote_address, ''),
    CASE
        WHEN all_groups IS NULL
            THEN regexp_replace(nullif(address, ''), '^([0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+$', '\1.0/24')
        ELSE regexp_replace(
            regexp_replace(
                regexp_replace(all_groups, '(^|:)0+([0-9a-f])', '\1\2', 'g'),
                '^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+:[0-9a-f]+):[0-9a-f:.]*$', '\1::/64'
            ),
            '(:0)+::/64$', '::/64'
        )
    END,
    policy_type,
    CASE
        WHEN disable = 'true' OR disable_enforcement = 'true' OR is_disabled = 'true' OR is_enabled = 'false' THEN TRUE
        WHEN coalesce(disable, disable_enforcement, is_disabled, is_enabled) IS NOT NULL THEN FALSE
    END,
    CASE
        WHEN first_match(rules, '("\*": ?\{[^{}]*"METHOD_ALL")') IS NULL THEN roles
        ELSE concat(roles, ' all resources')
    END,
    -- The first instant of year 1 is Go's "none"; year 9999 and later are written for "never".
    nullif(
        regexp_replace(
            coalesce(exception_ends, other_ends), '^(0001-01-01T00:00:00|9999-|[+]?[1-9][0-9]{4,}-).*$', ''
        ), ''
    ),
    CASE WHEN kind = 'IPAddressPolicy' THEN allowed_ip_subnets ELSE coalesce(nullif(user_email, ''), clause) END,
    all_matches(
        lower(coalesce(nullif(user_email, ''), clause)), '(?:@|domain=)([^@"<>,\s\\]+\.[^@"<>,\s\\]+)'
    ),
    -- Names of organizations have no commas.
    CASE
        WHEN authorized_tenants LIKE '["%'
            THEN length(authorized_tenants) - length(replace(authorized_tenants, ',', '')) + 1
    END
FROM networks
-- Who asks for changes then need not read the scans in between.
ORDER BY activity, happened_at;
