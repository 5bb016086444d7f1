-- Audit logs in plain columns. DuckDB, on a table whose nested columns are JSON.
CREATE OR REPLACE VIEW audit_events AS
SELECT
    uuid,
    create_time AS happened_at,      -- UTC
    tenant_meta->>'namespace' AS namespace,
    coalesce(
        [
            substr(claim, length('email=') + 1)
            FOR claim IN json_extract_string(spec, '$.claims[*]') IF claim LIKE 'email=_%'
        ][1],
        [subject FOR subject IN json_extract_string(spec, '$.claims[*].subject') IF subject <> ''][1],
        -- Such as ewok@endor.ai@google@api-key: the identity provider and the kind of credential follow the address.
        nullif(regexp_replace(meta->>'created_by', '^([^@]+@[^@]+)@.*$', '\1'), ''),
        'unknown'
    ) AS actor,
    -- The parentheses: to DuckDB 1, LIKE comes before ->>.
    coalesce(
        list_contains(json_extract_string(spec, '$.claims[*]'), 'api-key') OR (meta->>'created_by') LIKE '%@api-key',
        FALSE
    ) AS by_api_key,
    spec->>'operation' AS operation,
    regexp_replace(spec->>'message_kind', '^.*\.', '') AS resource_kind,
    spec->>'message_uuid' AS resource_uuid,
    spec->>'$.payload.meta.name' AS resource_name,
    meta->>'description' AS description,
    coalesce(spec->>'$.error.code', '0') <> '0' AS failed,
    spec->>'$.error.code' AS error_code,
    spec->>'$.error.message' AS error_message,
    spec->>'remote_address' AS remote_address
FROM tap_endorlabs.audit_logs;
