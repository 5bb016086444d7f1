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
    WHERE activity <> 'telemetry' AND activity <> 'sign-in'
    GROUP BY actor, credential, resource_kind
),
-- At home is who has few new networks. Of the keys of one actor some may run in one place, others anywhere.
networks AS (
    SELECT
        actor,
        credential,
        network,
        first_at,
        acted_at,
        lately_of_actor <= roaming
        OR (lately <= roaming AND key_since <= acted_at - baseline_days * INTERVAL '1 day') AS at_home
    FROM (
        SELECT
            places.*,
            min(first_at) OVER (PARTITION BY actor, credential, key_id) AS key_since,
            count(*) OVER (
                PARTITION BY actor, credential, key_id ORDER BY first_at
                RANGE BETWEEN INTERVAL '14 days' PRECEDING AND CURRENT ROW
            ) AS lately,
            count(*) OVER (
                PARTITION BY actor, credential ORDER BY first_at
                RANGE BETWEEN INTERVAL '14 days' PRECEDING AND CURRENT ROW
            ) AS lately_of_actor
        FROM places
        WHERE network IS NOT NULL
    ) AS counted CROSS JOIN audit_settings
),
firsts AS (
    SELECT
        'new actor' AS rule,
        actor,
        credential,
        actor AS value,
        min(first_at) AS first_at,
        min(acted_at) AS acted_at,
        TRUE AS is_told
    FROM places
    GROUP BY actor, credential
    UNION ALL
    SELECT 'new key' AS rule, actor, credential, key_id, min(first_at), min(acted_at), TRUE
    FROM places
    WHERE key_id IS NOT NULL
    GROUP BY actor, credential, key_id
    UNION ALL
    SELECT 'new kind' AS rule, actor, credential, resource_kind, first_at, acted_at, TRUE
    FROM kinds
    WHERE resource_kind IS NOT NULL
    UNION ALL
    -- Most are of runners, which are at home in none.
    SELECT 'new address' AS rule, actor, credential, network, first_at, acted_at, at_home
    FROM networks
    WHERE network IN (SELECT network FROM networks WHERE at_home)
),
ranked AS (
    SELECT
        firsts.*,
        min(first_at) OVER (PARTITION BY actor, credential) AS actor_since,
        min(first_at) OVER (PARTITION BY rule, actor, credential, value) AS value_since,
        row_number() OVER (PARTITION BY rule, credential, value ORDER BY first_at, actor) - 1 AS others_before
    FROM firsts
),
news AS MATERIALIZED (
    SELECT rule, actor, credential, value, acted_at
    FROM ranked CROSS JOIN audit_settings CROSS JOIN log_begin
    WHERE
        is_told
        AND first_at = value_since
        AND acted_at <= first_at + INTERVAL '1 day'
        AND acted_at
        >= CASE WHEN rule = 'new actor' THEN log_since ELSE greatest(actor_since, log_since) END
        + baseline_days * INTERVAL '1 day'
        AND others_before < shared_by
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
