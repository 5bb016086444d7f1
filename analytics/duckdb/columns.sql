-- What new events say, each in a column of its own; what is nested deeper as JSON text. DuckDB.
CREATE TABLE IF NOT EXISTS tap_endorlabs.authentication_logs (
    uuid VARCHAR PRIMARY KEY,
    create_time TIMESTAMP NOT NULL,  -- UTC
    tenant_meta JSON,
    meta JSON,
    spec JSON
);
CREATE OR REPLACE MACRO first_match(given, pattern) AS nullif(regexp_extract(given, pattern, 1), '');

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
            '$.error.code', '$.error.message', '$.payload.meta.name',
            '$.payload.spec.policy_type', '$.payload.spec.disable', '$.payload.spec.admission.disable_enforcement',
            '$.payload.spec.permissions.roles', '$.payload.spec.permissions.rules',
            '$.payload.spec.exception.expiration_time', '$.payload.spec.expiration_time',
            '$.payload.spec.user_email', '$.payload.spec.clause', '$.payload.spec.allowed_ip_subnets',
            '$.uri', '$.success', '$.status', '$.error_message', '$.authorized_tenants'
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
    spec[6] AS error_code,
    spec[7] AS error_message,
    spec[8] AS resource_name,
    spec[9] AS policy_type,
    spec[10] AS disable,
    spec[11] AS disable_enforcement,
    spec[12] AS roles,
    spec[13] AS rules,
    spec[14] AS exception_ends,
    spec[15] AS other_ends,
    spec[16] AS user_email,
    spec[17] AS clause,
    spec[18] AS allowed_ip_subnets,
    spec[19] AS uri,
    spec[20] AS success,
    spec[21] AS status,
    spec[22] AS sign_in_error,
    spec[23] AS authorized_tenants
FROM said;
