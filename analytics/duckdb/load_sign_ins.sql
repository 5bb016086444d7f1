-- The same as load.sql for sign-ins, the stream authentication_logs.
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
CREATE TABLE IF NOT EXISTS tap_endorlabs.conflicts (
    stream VARCHAR,
    uuid VARCHAR,
    digest VARCHAR,
    record JSON NOT NULL,
    loaded_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    PRIMARY KEY (stream, uuid, digest)
);
CREATE OR REPLACE TEMP VIEW delivered AS
SELECT row_number() OVER () AS line, *
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
INSERT INTO tap_endorlabs.authentication_logs
SELECT DISTINCT ON (uuid) uuid, create_time, tenant_meta, meta, spec, now() AT TIME ZONE 'UTC'
FROM delivered ANTI JOIN tap_endorlabs.authentication_logs USING (uuid)
ORDER BY line;

-- The same for two records whose fields stand in another order.
CREATE OR REPLACE TEMP MACRO content(record) AS (
    SELECT sum(md5_number_lower(concat_ws(chr(0), fullkey, type, atom))) FROM json_tree(record)
);
INSERT OR IGNORE INTO tap_endorlabs.conflicts (stream, uuid, digest, record)
WITH pairs AS (
    SELECT
        uuid,
        to_json(struct_pack(again.create_time, again.tenant_meta, again.meta, again.spec)) AS record,
        to_json(struct_pack(kept.create_time, kept.tenant_meta, kept.meta, kept.spec)) AS kept
    FROM delivered AS again JOIN tap_endorlabs.authentication_logs AS kept USING (uuid)
    WHERE (again.create_time, again.tenant_meta, again.meta, again.spec)
        IS DISTINCT FROM (kept.create_time, kept.tenant_meta, kept.meta, kept.spec)
)
SELECT 'authentication_logs', uuid, content(record), record FROM pairs WHERE content(record) <> content(kept);
SELECT
    (SELECT count(*) FROM tap_endorlabs.authentication_logs) AS sign_ins,
    (
        SELECT count(DISTINCT uuid) FROM tap_endorlabs.conflicts WHERE stream = 'authentication_logs'
    ) AS came_again_with_other_content;
