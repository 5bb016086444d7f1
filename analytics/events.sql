-- The table that all views ask.
CREATE TABLE IF NOT EXISTS audit_events (
    stream VARCHAR,                  -- audit_logs, authentication_logs
    uuid VARCHAR,
    happened_at TIMESTAMP NOT NULL,  -- UTC
    loaded_at TIMESTAMP,             -- UTC; where the table of the log has it
    namespace VARCHAR,
    actor VARCHAR NOT NULL,
    credential VARCHAR NOT NULL,     -- person, API key, system
    key_id VARCHAR,                  -- of an API key
    activity VARCHAR NOT NULL,       -- telemetry, scan, sign-in, change
    operation VARCHAR,
    resource_kind VARCHAR,
    resource_uuid VARCHAR,
    resource_name VARCHAR,           -- of a sign-in the path that was asked for
    description VARCHAR,
    failed BOOLEAN NOT NULL,
    error_code VARCHAR,
    error_message VARCHAR,
    remote_address VARCHAR,
    network VARCHAR,                 -- the /24 or /64 of the address
    policy_type VARCHAR,
    disabled BOOLEAN,                -- a policy that is off, or only logs
    roles VARCHAR,                   -- that are granted
    expires_at VARCHAR,              -- when an exception, a grant or a key ends; NULL: never, or not said
    target VARCHAR,                  -- whom or what it lets in
    target_domains VARCHAR,          -- of the addresses therein, with commas between
    tenants INTEGER,                 -- organizations that a sign-in opened
    PRIMARY KEY (stream, uuid)
);

-- Since when there is a log: a few events of long ago, or with a wrong time, don't count.
CREATE OR REPLACE VIEW log_begin AS
SELECT percentile_disc(0.01) WITHIN GROUP (ORDER BY happened_at) AS log_since FROM audit_events;
