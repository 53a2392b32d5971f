-- A provider that renews on another day than ours begins a period: nothing that was used goes along, what was left does.
-- Events are written here as if their signatures had been verified.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2026-01-31 00:00+00');
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "kept"}],
  "plans": [
    {"slug": "pro", "price": 2900, "currency": "USD", "interval": "monthly", "planGroup": "main",
     "features": [{"slug": "calls", "limit": 100}, {"slug": "kept", "limit": 100, "rollover": true}]}]}') IS NOT NULL AS synced;
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
CREATE VIEW calls AS SELECT feature, (decision).usage, (decision).usage_limit, (decision).balance, (decision).resets_at FROM owo_features('acme') ORDER BY 1;

SELECT key FROM owo_customer('acme', 'ada@example.test');
SELECT code, status FROM owo_attach('acme', 'pro', provider => 'stripe', callback_url => 'https://app.test/done');
SELECT told('2026-01-31 00:00+00', '2026-01-31', '2026-02-28');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT owo_clock_set('2026-02-28 00:00+00');
SELECT told('2026-02-28 00:00+00', '2026-02-28', '2026-03-28');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT code FROM owo_track('acme', 'calls', 40);
SELECT code FROM owo_track('acme', 'kept', 70);
SELECT code FROM owo_track('acme', 'kept', 60);
SELECT * FROM calls;
-- three days before the period that was counted by would be over
SELECT owo_clock_set('2026-03-28 00:10+00');
SELECT told('2026-03-28 00:00+00', '2026-03-28', '2026-04-28');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT anchor_at, period_start, period_end FROM owo.subscription WHERE linked;
SELECT * FROM calls;
SELECT code FROM owo_track('acme', 'calls', 5);
-- a late event belongs to the period of its moment
SELECT code FROM owo_track('acme', 'calls', 60, occurred_at => '2026-03-20 00:00+00');
SELECT code FROM owo_track('acme', 'calls', 1, occurred_at => '2026-03-20 00:00+00');
SELECT * FROM calls;
-- moved within that period: as at a switch, what was used goes along; what was used before it does not come back
SELECT owo_clock_set('2026-04-10 00:00+00');
SELECT told('2026-04-10 00:00+00', '2026-04-10', '2026-05-10');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT * FROM calls;
SELECT owo_worker_tick() -> 'folded' IS NOT NULL AS folded;
SELECT * FROM calls;
SELECT * FROM owo_verify();
