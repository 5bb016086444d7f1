-- Audit logs in plain columns. PostgreSQL, on the table that target-postgres makes.
CREATE OR REPLACE VIEW audit_events AS
WITH events AS (
    SELECT
        uuid,
        create_time,
        tenant_meta,
        meta,
        spec,
        CASE WHEN jsonb_typeof(spec->'claims') = 'array' THEN spec->'claims' ELSE '[]' END AS claims
    FROM tap_endorlabs.audit_logs
)
SELECT
    uuid,
    create_time AS happened_at,      -- UTC
    tenant_meta->>'namespace' AS namespace,
    coalesce(
        (
            SELECT substr(claim, length('email=') + 1)
            FROM jsonb_array_elements_text(claims) WITH ORDINALITY AS listed (claim, place)
            WHERE claim LIKE 'email=_%'
            ORDER BY place LIMIT 1
        ),
        (
            SELECT claim->>'subject'
            FROM jsonb_array_elements(claims) WITH ORDINALITY AS listed (claim, place)
            WHERE claim->>'subject' <> ''
            ORDER BY place LIMIT 1
        ),
        -- Such as ewok@endor.ai@google@api-key: the identity provider and the kind of credential follow the address.
        nullif(regexp_replace(meta->>'created_by', '^([^@]+@[^@]+)@.*$', '\1'), ''),
        'unknown'
    ) AS actor,
    coalesce(claims @> '["api-key"]' OR meta->>'created_by' LIKE '%@api-key', FALSE) AS by_api_key,
    spec->>'operation' AS operation,
    regexp_replace(spec->>'message_kind', '^.*\.', '') AS resource_kind,
    spec->>'message_uuid' AS resource_uuid,
    spec->'payload'->'meta'->>'name' AS resource_name,
    meta->>'description' AS description,
    coalesce(spec->'error'->>'code', '0') <> '0' AS failed,
    spec->'error'->>'code' AS error_code,
    spec->'error'->>'message' AS error_message,
    spec->>'remote_address' AS remote_address
FROM events;
