-- Takes the JSON lines of the stream authentication_logs into a table, a row for each; the first record is kept.
-- Another file: SET VARIABLE sign_ins = 'path/of/authentication_logs.jsonl'; before this.
CREATE SCHEMA IF NOT EXISTS tap_endorlabs;
CREATE TABLE IF NOT EXISTS tap_endorlabs.authentication_logs (
    uuid VARCHAR PRIMARY KEY,
    create_time TIMESTAMP NOT NULL,  -- UTC
    tenant_meta JSON,
    meta JSON,
    spec JSON
);
ALTER TABLE tap_endorlabs.authentication_logs ADD COLUMN IF NOT EXISTS _sdc_batched_at TIMESTAMP;  -- UTC, named as targets do
INSERT OR IGNORE INTO tap_endorlabs.authentication_logs
SELECT uuid, create_time, tenant_meta, meta, spec, now() AT TIME ZONE 'UTC'
FROM read_json(
    coalesce(getvariable('sign_ins'), 'authentication_logs.jsonl'),
    format = 'newline_delimited',
    maximum_object_size = 268435456,
    columns = {
        uuid: 'VARCHAR',
        create_time: 'TIMESTAMP',
        tenant_meta: 'JSON',
        meta: 'JSON',
        spec: 'JSON'
    }
);
