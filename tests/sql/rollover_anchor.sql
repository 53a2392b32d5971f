-- A provider that moves the moment that periods are counted from takes nothing of what had rolled over, and gives none of it twice.
-- Events are written here as if their signatures had been verified.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2026-08-15 00:00+00');
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "short"}],
  "plans": [
    {"slug": "free", "planGroup": "main", "autoEnable": true,
     "features": [{"slug": "calls", "limit": 10, "rollover": true}, {"slug": "short", "limit": 10, "rollover": true}]},
    {"slug": "pro", "price": 2900, "currency": "USD", "interval": "monthly", "planGroup": "main",
     "features": [{"slug": "calls", "limit": 100, "rollover": true}, {"slug": "short", "limit": 100, "rollover": true}]}]}') IS NOT NULL AS synced;
SELECT environment FROM owo_provider_set('stripe', '{"secret_key": "sk_test_1", "webhook_secret": "whsec_1"}');
INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, key, created_at, updated_at)
SELECT a.id, 'plan', 'price_' || p.slug, p.id, format('%s.%s.USD.monthly', p.id, p.price_amount), now(), now()
  FROM owo.provider_account AS a, owo.plan AS p WHERE p.slug = 'pro';
CREATE FUNCTION told(at timestamptz, starts timestamptz, ends timestamptz) RETURNS jsonb LANGUAGE sql AS $$
    WITH object AS (
        SELECT jsonb_build_object('id', 'sub_1', 'object', 'subscription', 'status', 'active', 'customer', 'cus_acme',
            'metadata', jsonb_build_object('owo_customer', (SELECT c.id FROM owo.customer AS c WHERE c.key = 'acme')),
            'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('quantity', 1,
                'current_period_start', extract(epoch FROM starts)::bigint, 'current_period_end', extract(epoch FROM ends)::bigint,
                'price', jsonb_build_object('id', 'price_pro', 'product', 'prod_1', 'unit_amount', 2900, 'currency', 'usd'))))) AS said,
            gen_random_uuid() AS id
    ), event AS (
        INSERT INTO owo.webhook_event (id, account_id, organization_id, provider, event_id, kind, body, next_at, received_at, updated_at)
        SELECT o.id, a.id, a.organization_id, 'stripe', o.id::text, 'customer.subscription.updated',
               convert_to(jsonb_build_object('id', 'evt_' || o.id, 'object', 'event', 'type', 'customer.subscription.updated', 'livemode', false,
                   'created', extract(epoch FROM told.at)::bigint, 'data', jsonb_build_object('object', o.said))::text, 'UTF8'),
               clock_timestamp() - interval '1 minute', clock_timestamp(), clock_timestamp() - interval '1 minute'
          FROM owo.provider_account AS a, object AS o
        RETURNING 1
    )
    SELECT to_jsonb(count(*)) FROM event
$$;
CREATE VIEW calls AS SELECT feature, (decision).usage, (decision).usage_limit, (decision).balance FROM owo_features('acme') ORDER BY 1;

SELECT key FROM owo_customer('acme', 'ada@example.test');
SELECT owo_clock_set('2026-11-01 00:00+00');
SELECT * FROM calls;
SELECT code, status FROM owo_attach('acme', 'pro', provider => 'stripe', callback_url => 'https://app.test/done');
SELECT told('2026-11-01 00:00:03+00', '2026-11-01', '2026-12-01');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
-- twenty rolled over from the free plan; a provider's first period moves nothing
SELECT * FROM calls;
SELECT code FROM owo_track('acme', 'calls', 30);
SELECT owo_clock_set('2026-11-10 00:00+00');
SELECT told('2026-11-10 00:00+00', '2026-11-08', '2026-12-08');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT anchor_at, anchor_moved_at FROM owo.subscription WHERE linked;
-- ten of the twenty had been drawn, and ten of the hundred
SELECT * FROM calls;
-- the same word again changes nothing
SELECT told('2026-11-10 00:00+00', '2026-11-08', '2026-12-08');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT * FROM calls;
SELECT code, details -> 'drawn' -> 0 ->> 'source' AS source FROM owo_track('acme', 'short', 15);

-- moved back within the period: what was used counts once, and each draw of a rest too
SELECT owo_clock_set('2026-11-12 00:00+00');
SELECT told('2026-11-12 00:00+00', '2026-11-01', '2026-12-01');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT * FROM calls;
SELECT code FROM owo_track('acme', 'calls', 5);
SELECT code FROM owo_track('acme', 'short', 2);
SELECT owo_clock_set('2026-11-14 00:00+00');
SELECT told('2026-11-14 00:00+00', '2026-11-08', '2026-12-08');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT told('2026-11-14 00:01+00', '2026-11-01', '2026-12-01');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT * FROM calls;
-- late events belong to the anchor of their moment, and leave what was spent since
SELECT code FROM owo_track('acme', 'short', 4, occurred_at => '2026-10-12 00:00+00');
SELECT code FROM owo_track('acme', 'short', 3, occurred_at => '2026-10-12 00:00+00');
SELECT * FROM calls;

-- the next period inherits what is left of this one
SELECT owo_clock_set('2026-12-09 00:00+00');
SELECT * FROM calls;
SELECT count(*) FROM owo.subscription AS s, jsonb_array_elements(s.earlier_anchors) WHERE s.linked;
SELECT * FROM owo_verify();
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM owo.usage_pending) LOOP
        PERFORM owo_worker_tick();
    END LOOP;
END
$$;
SELECT * FROM calls;
SELECT * FROM owo_verify();
