-- Takes the JSON lines that target-jsonl has written into a table, a row for each event, however often it was delivered.
-- Another file: SET VARIABLE lines = 'path/of/audit_logs.jsonl'; before this.
CREATE SCHEMA IF NOT EXISTS tap_endorlabs;
CREATE TABLE IF NOT EXISTS tap_endorlabs.audit_logs (
    uuid VARCHAR PRIMARY KEY,
    create_time TIMESTAMP NOT NULL,  -- UTC
    tenant_meta JSON,
    meta JSON,
    spec JSON
);
INSERT OR REPLACE INTO tap_endorlabs.audit_logs
SELECT DISTINCT ON (uuid) uuid, create_time, tenant_meta, meta, spec
FROM read_json(
    coalesce(getvariable('lines'), 'output/audit_logs.jsonl'),
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
