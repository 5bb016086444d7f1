-- What should somebody look at? All of the views that give alerts, the newest first.
CREATE OR REPLACE VIEW alerts AS
WITH found AS (
    SELECT * FROM risky_changes
    UNION ALL
    SELECT * FROM new_for_actor
    UNION ALL
    SELECT * FROM denied_often
    UNION ALL
    SELECT * FROM deletions
    UNION ALL
    SELECT * FROM off_hours
    UNION ALL
    SELECT * FROM sign_ins
    UNION ALL
    SELECT * FROM silent_feed
)
SELECT found.*
FROM found CROSS JOIN audit_settings
WHERE concat(',', replace(muted_rules, ', ', ','), ',') NOT LIKE concat('%,', rule, ',%')
ORDER BY happened_at DESC, uuid, rule, reason;
