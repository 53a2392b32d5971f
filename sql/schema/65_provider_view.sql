-- Views for people about what lies at payment providers. They run with the rights of who asks.

-- What views call must be the system's, whatever stands in the extension's schema.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE VIEW owo.provider_link WITH (security_invoker = true) AS
    SELECT o.slug AS organization,
           a.provider,
           a.environment,
           r.kind,
           c.key AS customer,
           r.local_id,
           r.external_id,
           nullif(r.key, '') AS key,
           r.state,
           r.order_at AS known_at,
           r.created_at,
           r.updated_at
      FROM owo.provider_ref AS r
      JOIN owo.provider_account AS a ON a.id = r.account_id
      JOIN owo.organization AS o ON o.id = a.organization_id
      LEFT JOIN owo.customer AS c
        ON c.id = CASE r.kind WHEN 'customer' THEN r.local_id ELSE r.customer_id END;
COMMENT ON VIEW owo.provider_link IS 'our ids beside the providers''';

CREATE VIEW owo.webhook_status WITH (security_invoker = true) AS
    SELECT o.slug AS organization,
           a.provider,
           a.environment,
           w.status,
           count(*) AS webhooks,
           min(w.received_at) AS oldest_at,
           max(w.received_at) AS newest_at,
           min(w.next_at) AS next_at,
           (array_agg(w.error ORDER BY w.updated_at DESC) FILTER (WHERE w.error IS NOT NULL))[1]
               AS last_error,
           CASE w.status
               WHEN 'received' THEN 'The worker applies them; owo_worker_tick() does so by hand.'
               WHEN 'parked' THEN 'They wait for what they speak of, and are tried again by themselves.'
               WHEN 'conflict' THEN 'Mend the link of the customer (owo.provider_link, owo_identity_link), then owo_webhook_replay(id).'
               WHEN 'dead' THEN 'Read error in owo.webhook_event; owo_webhook_replay(id) once the cause is gone.'
           END AS advice
      FROM owo.webhook_event AS w
      JOIN owo.provider_account AS a ON a.id = w.account_id
      JOIN owo.organization AS o ON o.id = w.organization_id
     GROUP BY o.slug, a.provider, a.environment, w.status;
COMMENT ON VIEW owo.webhook_status IS 'webhooks by what became of them, and what to do';

-- Lines of owo.health.
CREATE VIEW owo.provider_health WITH (security_invoker = true) AS
    WITH account AS (
        SELECT a.id,
               format('%s of organization %s (%s)', a.provider, o.slug, a.environment) AS name,
               a.resting_until,
               a.resting_reason,
               s.is_bound,
               s.problem,
               (SELECT count(*) FROM owo.webhook_event AS w
                 WHERE w.account_id = a.id AND w.status IN ('received', 'parked')) AS webhooks,
               (SELECT count(*) FROM owo.outbox AS q
                 WHERE q.account_id = a.id AND q.state NOT IN ('done', 'dead')) AS calls
          FROM owo.provider_account AS a
          JOIN owo.organization AS o ON o.id = a.organization_id
          JOIN owo._provider_status() AS s ON s.account_id = a.id
    )
    SELECT 'provider_unbound' AS topic,
           name AS subject,
           format('this database does not use the account; %s calls and %s webhooks wait',
                  calls, webhooks) AS message,
           'Call owo_provider_adopt() if this database, restored or copied, is the one that bills.' AS hint
      FROM account
     WHERE NOT is_bound AND calls + webhooks > 0
     UNION ALL
    SELECT 'provider_key', name, problem,
           'Bring the key file or the credentials file back, or call owo_provider_set() again.'
      FROM account
     WHERE problem IS NOT NULL
     UNION ALL
    SELECT 'provider_rests', name,
           format('no calls until %s: %s', resting_until, resting_reason),
           'If the key was revoked, set the new one with owo_provider_set().'
      FROM account
     WHERE resting_until > now()
     UNION ALL
    SELECT 'webhooks_' || w.status,
           format('%s of organization %s (%s)', w.provider, w.organization, w.environment),
           format('%s webhooks, the oldest of %s, the last error: %s',
                  w.webhooks, w.oldest_at, coalesce(w.last_error, 'none')),
           w.advice
      FROM owo.webhook_status AS w
     WHERE w.status IN ('parked', 'conflict', 'dead');
COMMENT ON VIEW owo.provider_health IS 'what needs a person about accounts and webhooks';
