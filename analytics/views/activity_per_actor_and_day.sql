-- How much did each actor do on each day, and how much of it failed?
CREATE OR REPLACE VIEW activity_per_actor_and_day AS
SELECT
    CAST(happened_at AS DATE) AS day,
    actor,
    count(*) AS events,
    sum(CASE WHEN operation LIKE '%CREATE' THEN 1 ELSE 0 END) AS created,
    sum(CASE WHEN operation LIKE '%UPDATE' OR operation LIKE '%UPSERT' THEN 1 ELSE 0 END) AS updated,
    sum(CASE WHEN operation LIKE '%DELETE' THEN 1 ELSE 0 END) AS deleted,
    sum(CASE WHEN failed THEN 1 ELSE 0 END) AS failed,
    count(DISTINCT remote_address) AS addresses
FROM audit_events
WHERE stream = 'audit_logs'
GROUP BY CAST(happened_at AS DATE), actor;
