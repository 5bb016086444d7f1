-- Who changed policies, authorization or API keys?
CREATE OR REPLACE VIEW sensitive_changes AS
WITH kinds AS (
    SELECT
        audit_events.*,
        CASE
            WHEN lower(resource_kind) LIKE '%apikey%' THEN 'API key'
            WHEN lower(resource_kind) LIKE '%authorization%' THEN 'authorization'
            WHEN lower(resource_kind) LIKE '%policy%' THEN 'policy'
        END AS category
    FROM audit_events
)
SELECT
    happened_at,
    category,
    actor,
    by_api_key,
    operation,
    resource_kind,
    resource_uuid,
    resource_name,
    failed,
    remote_address,
    namespace,
    uuid
FROM kinds
WHERE category IS NOT NULL;
