-- What new events say, each in a column of its own; what is nested deeper as JSON text. PostgreSQL.
-- Either stream may be all that is loaded.
CREATE TABLE IF NOT EXISTS tap_endorlabs.audit_logs (
    uuid text PRIMARY KEY,
    create_time timestamp,           -- UTC
    tenant_meta jsonb,
    meta jsonb,
    spec jsonb
);
CREATE TABLE IF NOT EXISTS tap_endorlabs.authentication_logs (
    uuid text PRIMARY KEY,
    create_time timestamp,           -- UTC
    tenant_meta jsonb,
    meta jsonb,
    spec jsonb
);
CREATE OR REPLACE FUNCTION first_match(given text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT nullif(substring(given FROM pattern), '') $$;
CREATE OR REPLACE FUNCTION all_matches(given text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT string_agg(found[1], ',') FROM regexp_matches(given, pattern, 'g') AS found $$;

CREATE OR REPLACE VIEW audit_columns AS
WITH logs AS (
    SELECT
        'audit_logs' AS stream,
        uuid,
        create_time,
        -- Where target-postgres adds columns of its own (add_record_metadata).
        to_jsonb(log)->>'_sdc_batched_at' AS loaded_at,
        tenant_meta,
        meta,
        spec
    FROM tap_endorlabs.audit_logs AS log
    UNION ALL
    SELECT
        'authentication_logs' AS stream,
        uuid,
        create_time,
        to_jsonb(log)->>'_sdc_batched_at' AS loaded_at,
        tenant_meta,
        meta,
        spec
    FROM tap_endorlabs.authentication_logs AS log
)
SELECT
    stream,
    uuid,
    create_time AS happened_at,
    CAST(loaded_at AS timestamptz) AT TIME ZONE 'UTC' AS loaded_at,
    tenant_meta->>'namespace' AS namespace,
    meta->>'created_by' AS created_by,
    meta->>'description' AS description,
    spec->>'claims' AS claims,
    spec->>'remote_address' AS remote_address,
    spec->>'operation' AS operation,
    spec->>'message_kind' AS message_kind,
    spec->>'message_uuid' AS message_uuid,
    spec->>'error' AS error,
    spec#>>'{error,code}' AS error_code,
    spec#>>'{error,message}' AS error_message,
    spec#>>'{payload,uuid}' AS payload_uuid,
    spec#>>'{payload,meta,name}' AS resource_name,
    spec#>>'{payload,success}' AS payload_success,
    spec#>>'{payload,spec,policy_type}' AS policy_type,
    spec#>>'{payload,spec,disable}' AS disable,
    spec#>>'{payload,spec,admission,disable_enforcement}' AS disable_enforcement,
    spec#>>'{payload,spec,permissions,roles}' AS roles,
    spec#>>'{payload,spec,permissions,rules}' AS rules,
    spec#>>'{payload,spec,exception,expiration_time}' AS exception_ends,
    spec#>>'{payload,spec,expiration_time}' AS other_ends,
    spec#>>'{payload,spec,user_email}' AS user_email,
    spec#>>'{payload,spec,clause}' AS clause,
    spec#>>'{payload,spec,allowed_ip_subnets}' AS allowed_ip_subnets,
    spec->>'uri' AS uri,
    spec->>'success' AS success,
    spec->>'status' AS status,
    spec->>'error_message' AS sign_in_error,
    spec->>'authorized_tenants' AS authorized_tenants,
    spec#>>'{payload,spec,disabled}' AS is_disabled,
    spec#>>'{payload,spec,enabled}' AS is_enabled
FROM logs
WHERE
    NOT EXISTS (
        SELECT 1 FROM audit_events AS known WHERE known.stream = logs.stream AND known.uuid = logs.uuid
    );
