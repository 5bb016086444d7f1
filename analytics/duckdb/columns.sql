-- What new events say, each in a column of its own; what is nested deeper as JSON text. DuckDB.
-- Either stream may be all that is loaded.
CREATE SCHEMA IF NOT EXISTS tap_endorlabs;
CREATE TABLE IF NOT EXISTS tap_endorlabs.audit_logs (
    uuid VARCHAR PRIMARY KEY,
    create_time TIMESTAMP NOT NULL,  -- UTC
    tenant_meta JSON,
    meta JSON,
    spec JSON
);
CREATE TABLE IF NOT EXISTS tap_endorlabs.authentication_logs (
    uuid VARCHAR PRIMARY KEY,
    create_time TIMESTAMP NOT NULL,  -- UTC
    tenant_meta JSON,
    meta JSON,
    spec JSON
);
CREATE OR REPLACE MACRO first_match(given, pattern) AS nullif(regexp_extract(given, pattern, 1), '');
CREATE OR REPLACE MACRO all_matches(given, pattern) AS
nullif(array_to_string(regexp_extract_all(given, pattern, 1), ','), '');

CREATE OR REPLACE VIEW audit_columns AS
WITH logs AS (
    SELECT 'audit_logs' AS stream, * FROM tap_endorlabs.audit_logs
    UNION ALL BY NAME
    SELECT 'authentication_logs' AS stream, * FROM tap_endorlabs.authentication_logs
    UNION ALL BY NAME
    -- A table loaded otherwise may not have the column.
    SELECT CAST(NULL AS TIMESTAMP) AS _sdc_batched_at WHERE FALSE
),
said AS (
    SELECT
        stream,
        uuid,
        create_time AS happened_at,
        _sdc_batched_at AS loaded_at,
        tenant_meta->>'namespace' AS namespace,
        meta->>'created_by' AS created_by,
        meta->>'description' AS description,
        -- All at once, as each call reads the whole text.
        json_extract_string(spec, [
            '$.claims', '$.remote_address', '$.operation', '$.message_kind', '$.message_uuid',
            '$.error', '$.error.code', '$.error.message', '$.payload.uuid', '$.payload.meta.name', '$.payload.success',
            '$.payload.spec.policy_type', '$.payload.spec.disable', '$.payload.spec.admission.disable_enforcement',
            '$.payload.spec.permissions.roles', '$.payload.spec.permissions.rules',
            '$.payload.spec.exception.expiration_time', '$.payload.spec.expiration_time',
            '$.payload.spec.user_email', '$.payload.spec.clause', '$.payload.spec.allowed_ip_subnets',
            '$.uri', '$.success', '$.status', '$.error_message', '$.authorized_tenants',
            '$.payload.spec.disabled', '$.payload.spec.enabled'
        ]) AS spec
    FROM logs
    WHERE
        NOT EXISTS (
            SELECT 1 FROM audit_events AS known WHERE known.stream = logs.stream AND known.uuid = logs.uuid
        )
)
SELECT
    * EXCLUDE (spec),
    spec[1] AS claims,
    spec[2] AS remote_address,
    spec[3] AS operation,
    spec[4] AS message_kind,
    spec[5] AS message_uuid,
    spec[6] AS error,
    spec[7] AS error_code,
    spec[8] AS error_message,
    spec[9] AS payload_uuid,
    spec[10] AS resource_name,
    spec[11] AS payload_success,
    spec[12] AS policy_type,
    spec[13] AS disable,
    spec[14] AS disable_enforcement,
    spec[15] AS roles,
    spec[16] AS rules,
    spec[17] AS exception_ends,
    spec[18] AS other_ends,
    spec[19] AS user_email,
    spec[20] AS clause,
    spec[21] AS allowed_ip_subnets,
    spec[22] AS uri,
    spec[23] AS success,
    spec[24] AS status,
    spec[25] AS sign_in_error,
    spec[26] AS authorized_tenants,
    spec[27] AS is_disabled,
    spec[28] AS is_enabled
FROM said;
