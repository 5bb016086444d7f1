-- Who deleted much at one go? How much, and how close together, is said in audit_settings.
CREATE OR REPLACE VIEW mass_deletions AS
WITH deletions AS (
    SELECT
        audit_events.*,
        lag(happened_at) OVER (PARTITION BY actor ORDER BY happened_at, uuid) AS happened_before
    FROM audit_events
    WHERE operation LIKE '%DELETE' AND NOT failed
),
spree_starts AS (
    SELECT
        deletions.*,
        CASE
            WHEN happened_at <= happened_before + mass_deletion_minutes * INTERVAL '1 minute' THEN 0
            ELSE 1
        END AS is_start
    FROM deletions CROSS JOIN audit_settings
),
sprees AS (
    SELECT
        spree_starts.*,
        sum(is_start) OVER (PARTITION BY actor ORDER BY happened_at, uuid) AS spree
    FROM spree_starts
)
SELECT
    actor,
    min(happened_at) AS first_at,
    max(happened_at) AS last_at,
    count(*) AS deletions,
    count(DISTINCT resource_kind) AS kinds,
    count(DISTINCT namespace) AS namespaces
FROM sprees
GROUP BY actor, spree
HAVING count(*) >= (SELECT mass_deletion FROM audit_settings);
