-- Who did something for the first time: from this network, to this kind of object, with this API key, or at all?
CREATE OR REPLACE VIEW new_for_actor AS
WITH places AS (
    SELECT
        actor,
        credential,
        network,
        key_id,
        min(happened_at) AS first_at,
        -- Looking around from a new place is not told, changing something is.
        min(CASE WHEN activity <> 'telemetry' AND NOT failed THEN happened_at END) AS acted_at
    FROM audit_events
    GROUP BY actor, credential, network, key_id
),
kinds AS (
    SELECT
        actor,
        credential,
        resource_kind,
        min(happened_at) AS first_at,
        min(CASE WHEN NOT failed THEN happened_at END) AS acted_at
    FROM audit_events
    WHERE activity IN ('change', 'scan')
    GROUP BY actor, credential, resource_kind
),
facets AS (
    SELECT 'new actor' AS rule, actor, credential, '' AS key_id, actor AS value, first_at, acted_at FROM places
    UNION ALL
    -- Of the keys of one actor some may run in one place, others anywhere.
    SELECT 'new address' AS rule, actor, credential, coalesce(key_id, ''), network, first_at, acted_at FROM places
    UNION ALL
    SELECT 'new key' AS rule, actor, credential, '' AS key_id, key_id AS value, first_at, acted_at FROM places
    UNION ALL
    SELECT 'new kind' AS rule, actor, credential, '' AS key_id, resource_kind AS value, first_at, acted_at FROM kinds
),
firsts AS (
    SELECT
        rule,
        actor,
        credential,
        key_id,
        value,
        min(first_at) AS first_at,
        min(acted_at) AS acted_at
    FROM facets
    WHERE value IS NOT NULL
    GROUP BY rule, actor, credential, key_id, value
),
ranked AS (
    SELECT
        firsts.*,
        min(first_at) OVER (PARTITION BY actor, credential) AS actor_since,
        min(first_at) OVER (PARTITION BY rule, actor, credential, key_id) AS key_since,
        min(first_at) OVER (PARTITION BY rule, actor, credential, value) AS value_since,
        count(*) OVER (
            PARTITION BY rule, actor, credential, key_id ORDER BY first_at
            RANGE BETWEEN INTERVAL '14 days' PRECEDING AND CURRENT ROW
        ) AS lately,
        count(*) OVER (
            PARTITION BY rule, actor, credential ORDER BY first_at
            RANGE BETWEEN INTERVAL '14 days' PRECEDING AND CURRENT ROW
        ) AS lately_of_actor,
        row_number() OVER (PARTITION BY rule, credential, value ORDER BY first_at, actor) - 1 AS others_before
    FROM firsts
),
news AS MATERIALIZED (
    SELECT rule, actor, credential, value, acted_at
    FROM ranked CROSS JOIN audit_settings CROSS JOIN log_begin
    WHERE
        first_at = value_since
        AND acted_at <= first_at + INTERVAL '1 day'
        AND acted_at
        >= CASE WHEN rule = 'new actor' THEN log_since ELSE greatest(actor_since, log_since) END
        + baseline_days * INTERVAL '1 day'
        AND others_before < shared_by
        AND (
            rule <> 'new address'
            OR (lately <= roaming AND key_since <= acted_at - baseline_days * INTERVAL '1 day')
            OR lately_of_actor <= roaming
        )
),
-- Found by their time alone first, which is quick.
events AS MATERIALIZED (
    SELECT *
    FROM audit_events
    WHERE happened_at IN (SELECT acted_at FROM news)
)
SELECT DISTINCT ON (news.acted_at, news.rule, news.actor, news.credential, news.value)
    event.happened_at,
    CASE
        WHEN news.rule = 'new address' AND news.credential = 'API key' THEN 'high'
        WHEN news.rule = 'new kind' AND news.credential = 'API key' THEN 'high'
        WHEN news.rule = 'new address' THEN 'medium'
        ELSE 'low'
    END AS severity,
    news.rule,
    news.actor,
    event.remote_address,
    concat(event.resource_kind, ' ', coalesce(event.resource_name, event.resource_uuid)) AS object,
    event.uuid,
    CASE news.rule
        WHEN 'new actor' THEN concat('Nobody of this name did anything before (', news.credential, ').')
        WHEN 'new address' THEN concat('This actor (', news.credential, ') was never seen in ', news.value, '.')
        WHEN 'new kind' THEN concat('This actor (', news.credential, ') never touched the kind ', news.value, '.')
        WHEN 'new key' THEN 'This actor uses an API key that was not used before.'
    END AS reason
FROM news JOIN events AS event
    ON event.actor = news.actor
    AND event.credential = news.credential
    AND event.happened_at = news.acted_at
    AND event.activity <> 'telemetry'
    AND NOT event.failed
    AND news.value = CASE news.rule
        WHEN 'new actor' THEN event.actor
        WHEN 'new address' THEN event.network
        WHEN 'new kind' THEN event.resource_kind
        WHEN 'new key' THEN event.key_id
    END
ORDER BY news.acted_at, news.rule, news.actor, news.credential, news.value, event.uuid;
