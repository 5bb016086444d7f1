-- Which actors and addresses are new, and when did they first appear?
CREATE OR REPLACE VIEW first_seen AS
SELECT
    'actor' AS what,
    actor AS who,
    min(happened_at) AS first_seen_at,
    max(happened_at) AS last_seen_at,
    count(*) AS events
FROM audit_events
GROUP BY actor
UNION ALL
SELECT
    'address' AS what,
    remote_address AS who,
    min(happened_at) AS first_seen_at,
    max(happened_at) AS last_seen_at,
    count(*) AS events
FROM audit_events
WHERE remote_address IS NOT NULL
GROUP BY remote_address;
