-- Views for people. They run with the rights of who asks (security_invoker), so that row security
-- of the tables decides what is seen. Organization, customer and feature are slugs and keys.

-- What views call must be the system's, whatever stands in the extension's schema.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE VIEW owo.usage WITH (security_invoker = true) AS
    SELECT o.slug AS organization,
           c.key AS customer,
           coalesce(f.slug, u.feature_id::text) AS feature,
           u.entity,
           u.kind AS source,
           trim_scale(u.units) AS quantity,
           u.at,
           u.metadata
      FROM (SELECT customer_id, feature_id, entity, kind, units, at, metadata FROM owo.usage_pending
             UNION ALL
            SELECT customer_id, feature_id, entity, kind, units, at, metadata FROM owo.usage_event) AS u
      JOIN owo.customer AS c ON c.id = u.customer_id
      JOIN owo.organization AS o ON o.id = c.organization_id
      LEFT JOIN owo.feature AS f ON f.id = u.feature_id
     WHERE u.units <> 0;
COMMENT ON VIEW owo.usage IS 'every recorded unit in feature units, negative for returns';

CREATE VIEW owo.usage_by_day WITH (security_invoker = true) AS
    SELECT o.slug AS organization,
           c.key AS customer,
           coalesce(f.slug, u.feature_id::text) AS feature,
           u.day,
           trim_scale(sum(u.units)) AS quantity
      FROM (SELECT customer_id, feature_id, day, units FROM owo.usage_daily
             UNION ALL
            SELECT customer_id, feature_id, (at AT TIME ZONE 'UTC')::date, units
              FROM owo.usage_pending WHERE units <> 0) AS u
      JOIN owo.customer AS c ON c.id = u.customer_id
      JOIN owo.organization AS o ON o.id = c.organization_id
      LEFT JOIN owo.feature AS f ON f.id = u.feature_id
     GROUP BY o.slug, c.key, coalesce(f.slug, u.feature_id::text), u.day;
COMMENT ON VIEW owo.usage_by_day IS 'recorded usage by day in UTC';

-- The condition is one on the customer's own row, so that no other organization's customer is ever
-- asked about, in whatever order the planner joins.
CREATE VIEW owo.entitlement_now WITH (security_invoker = true) AS
    SELECT coalesce(nullif(current_setting('owostack.organization', true), ''), 'default')
               AS organization,
           c.key AS customer,
           e.feature,
           e.type,
           (e.decision).allowed,
           (e.decision).code,
           e.source,
           (e.decision).usage,
           (e.decision).usage_limit,
           (e.decision).balance,
           (e.decision).resets_at,
           e.value,
           e.changes_at
      FROM owo.customer AS c
     CROSS JOIN LATERAL @extschema@.owo_features(c.id::text) AS e
     WHERE c.deleted_at IS NULL
       AND c.organization_id = (
           SELECT o.id
             FROM owo.organization AS o
            WHERE o.slug = coalesce(nullif(current_setting('owostack.organization', true), ''),
                                    'default'));
COMMENT ON VIEW owo.entitlement_now IS 'what each customer of the session''s organization has, by feature';

CREATE VIEW owo.subscription_now WITH (security_invoker = true) AS
    SELECT o.slug AS organization,
           c.key AS customer,
           coalesce(p.slug, s.plan_id::text) AS plan,
           s.status,
           s.period_start,
           s.period_end,
           s.trial_ends_at,
           s.cancel_at,
           s.id
      FROM owo.subscription AS s
      JOIN owo.customer AS c ON c.id = s.customer_id
      JOIN owo.organization AS o ON o.id = c.organization_id
      LEFT JOIN owo.plan AS p ON p.id = s.plan_id
     WHERE s.status NOT IN ('canceled', 'expired');
COMMENT ON VIEW owo.subscription_now IS 'subscriptions that have not ended';

-- Prices as subscribers pay them, by month as upgrades compare them (api.md 5): daily x 30, weekly x 4,
-- quarterly / 3, half-yearly / 6, yearly / 12.
CREATE VIEW owo.mrr WITH (security_invoker = true) AS
    SELECT o.slug AS organization,
           coalesce(p.slug, s.plan_id::text) AS plan,
           s.currency,
           count(*) AS subscriptions,
           round(sum(s.price_amount * CASE s.billing_interval
                         WHEN 'daily' THEN 30 WHEN 'weekly' THEN 4 ELSE 1 END
                     / (s.interval_count * CASE s.billing_interval
                         WHEN 'quarterly' THEN 3 WHEN 'semi_annual' THEN 6
                         WHEN 'yearly' THEN 12 ELSE 1.0 END)))::bigint AS amount
      FROM owo.subscription AS s
      JOIN owo.organization AS o ON o.id = s.organization_id
      LEFT JOIN owo.plan AS p ON p.id = s.plan_id
     WHERE s.status IN ('active', 'past_due') AND NOT s.one_time AND s.price_amount > 0
       AND s.billing_interval IN ('daily', 'weekly', 'monthly', 'quarterly', 'semi_annual', 'yearly')
     GROUP BY o.slug, coalesce(p.slug, s.plan_id::text), s.currency;
COMMENT ON VIEW owo.mrr IS 'monthly recurring revenue in minor units, by plan and currency';

CREATE VIEW owo.balance_now WITH (security_invoker = true) AS
    SELECT e.organization, e.customer, e.feature, e.usage, e.usage_limit, e.balance, e.resets_at
      FROM owo.entitlement_now AS e
     WHERE e.type IN ('metered', 'entity') AND e.source IS NOT NULL;
COMMENT ON VIEW owo.balance_now IS 'usage, limit and balance of what each customer may use';

CREATE FUNCTION owo._meter_stats() RETURNS TABLE (
    slots bigint, filled bigint, pinned bigint, evictions bigint, loads bigint,
    entitlement_slots bigint, entitlements bigint, entitlement_hits bigint,
    entitlement_misses bigint, entitlement_evictions bigint)
    LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', '_meter_stats_wrapper';
COMMENT ON FUNCTION owo._meter_stats() IS 'how shared memory is used';

CREATE VIEW owo.meter_stats WITH (security_invoker = true) AS
    SELECT slots, filled, pinned, evictions, loads, entitlement_slots, entitlements,
           entitlement_hits, entitlement_misses, entitlement_evictions
      FROM owo._meter_stats();
COMMENT ON VIEW owo.meter_stats IS 'shared memory: room, use, loads, hits; no row without preload';

CREATE VIEW owo.health WITH (security_invoker = true) AS
    SELECT 'over_limit' AS topic,
           format('customer %s, feature %s', e.customer, e.feature) AS subject,
           format('%s of %s are used', e.usage, e.usage_limit) AS message,
           'Raise the limit, or remove what is too much; nothing is removed by itself.' AS hint
      FROM owo.entitlement_now AS e
     WHERE e.type = 'entity' AND e.usage > e.usage_limit
     UNION ALL
    SELECT 'fold_waits', 'usage_pending',
           format('%s recorded rows wait to be folded, the oldest since %s', count(*), min(u.at)),
           'Call owo_worker_tick(), or load owostack with shared_preload_libraries.'
      FROM owo.usage_pending AS u
    HAVING count(*) > 100000
     UNION ALL
    SELECT 'worker', format('database %s', w.database),
           CASE w.state
                WHEN 'waiting' THEN 'no background process is free for the worker'
                WHEN 'off' THEN 'background workers are switched off'
                ELSE format('%s errors, the last at %s: %s', w.errors, w.last_error_at,
                            coalesce(w.last_error, 'see the server log'))
           END,
           coalesce(w.advice, 'What failed is tried again every few minutes.')
      FROM owo.worker_status AS w
     WHERE w.state IN ('waiting', 'off', 'failing')
        OR w.last_error_at > now() - interval '10 minutes'
     UNION ALL
    SELECT 'queue', format('organization %s, provider %s, %s', q.organization, q.provider, q.kind),
           format('%s jobs are %s, the oldest since %s: %s', q.jobs, q.state, q.oldest_at,
                  coalesce(q.last_error, 'no error yet')),
           q.advice
      FROM owo.queue_status AS q
     WHERE q.advice IS NOT NULL
     UNION ALL
    SELECT topic, subject, message, hint FROM owo.provider_health
     UNION ALL
    SELECT 'old_snapshot', format('backend %s', a.pid),
           format('a transaction of %s is open since %s', a.usename, a.xact_start),
           'It keeps vacuum from removing folded rows; end it if it is forgotten.'
      FROM pg_catalog.pg_stat_activity AS a
     WHERE a.backend_xmin IS NOT NULL AND a.xact_start < now() - interval '5 minutes'
       AND a.datname = current_database()
     UNION ALL
    SELECT 'not_enforced',
           format('table %I.%I, feature %s', e.table_schema, e.table_name, f.slug),
           CASE WHEN c.oid IS NULL THEN 'the table is gone; slots that it took are still taken'
                ELSE 'its triggers are missing or disabled; rows are not counted' END,
           CASE WHEN c.oid IS NULL THEN 'Free the slots with owo_entity_remove().'
                ELSE 'Call owo_enforce_table() again, which counts what is there, or owo_unenforce_table().' END
      FROM owo.enforced_table AS e
      JOIN owo.feature AS f ON f.id = e.feature_id
      LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = e.table_schema
      LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = e.table_name
     WHERE NOT EXISTS (
               SELECT FROM pg_catalog.pg_trigger AS t
                 JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
                WHERE t.tgrelid = c.oid AND p.proname = 'owo_enforce'
                  AND t.tgenabled IN ('O', 'A')
                  AND position(convert_to('feature=' || f.slug, 'UTF8') || '\x00' IN t.tgargs) > 0)
     UNION ALL
    -- pg_restore --disable-triggers leaves them to ordinary sessions: replicated changes pass unseen.
    SELECT 'unguarded', format('table owo.%I', c.relname),
           format('%s of our triggers are not always enabled', count(*)),
           format('Run ALTER TABLE owo.%I %s; and restart the server if rows changed meanwhile.',
                  c.relname,
                  string_agg(format('ENABLE ALWAYS TRIGGER %I', t.tgname), ', ' ORDER BY t.tgname))
      FROM pg_catalog.pg_trigger AS t
      JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
     WHERE c.relnamespace = 'owo'::regnamespace AND p.pronamespace = c.relnamespace
       AND p.proname IN ('_guard_count', '_note') AND t.tgenabled <> 'A'
     GROUP BY c.relname;
COMMENT ON VIEW owo.health IS 'what needs a person: over limits, what waits, what is misconfigured';
