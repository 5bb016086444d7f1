-- Lets tap_endorlabs.audit_logs keep the first record of each event: target-postgres would replace it by a later one.
-- One with other content is put beside it, into tap_endorlabs.conflicts.
-- PostgreSQL. Run it once, before the first load or at any time after it, as the user that loads.
BEGIN;
CREATE SCHEMA IF NOT EXISTS tap_endorlabs;
-- The target adds all other columns.
CREATE TABLE IF NOT EXISTS tap_endorlabs.audit_logs (uuid text PRIMARY KEY, create_time timestamp);
CREATE TABLE IF NOT EXISTS tap_endorlabs.conflicts (
    stream text,
    uuid text,
    digest text,
    record jsonb NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, uuid, digest)
);

CREATE OR REPLACE FUNCTION tap_endorlabs.keep_first() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- What the target adds about the loading is no content.
    added CONSTANT text[] := '{_sdc_extracted_at, _sdc_received_at, _sdc_batched_at, _sdc_deleted_at, _sdc_sequence,
        _sdc_table_version, _sdc_sync_started_at}';
    again jsonb;
BEGIN
    -- The target also updates each row that it has just inserted, with the same values.
    IF NEW IS DISTINCT FROM OLD THEN
        again := to_jsonb(NEW) - added;
        IF again <> to_jsonb(OLD) - added THEN
            INSERT INTO tap_endorlabs.conflicts (stream, uuid, digest, record)
            VALUES (TG_TABLE_NAME, NEW.uuid, md5(again::text), again)
            ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    RETURN NULL;  -- The row stays as it is.
END;
$$;

DROP TRIGGER IF EXISTS keep_first ON tap_endorlabs.audit_logs;
CREATE TRIGGER keep_first BEFORE UPDATE ON tap_endorlabs.audit_logs
FOR EACH ROW EXECUTE FUNCTION tap_endorlabs.keep_first();
COMMIT;
