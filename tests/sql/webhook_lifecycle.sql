-- What a provider's events make of a subscription: it begins, renews, falls behind, recovers and ends, and late words change
-- nothing. Events are written here as if their signatures had been verified.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2026-11-01 00:00:10+00');
SELECT owo_sync('{"features": [{"slug": "calls", "type": "metered"}],
  "plans": [
    {"slug": "free", "name": "Free", "price": 0, "planGroup": "main", "autoEnable": true,
     "features": [{"slug": "calls", "limit": 10}]},
    {"slug": "pro", "name": "Pro", "price": 2900, "currency": "USD", "interval": "monthly", "planGroup": "main",
     "features": [{"slug": "calls", "limit": 100}]},
    {"slug": "team", "name": "Team", "price": 9900, "currency": "USD", "interval": "monthly", "planGroup": "main",
     "features": [{"slug": "calls", "limit": 500}]}]}') IS NOT NULL AS synced;
SELECT environment FROM owo_provider_set('stripe', '{"secret_key": "sk_test_1", "webhook_secret": "whsec_1"}');
INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, key, created_at, updated_at)
SELECT a.id, 'plan', 'price_' || p.slug, p.id, format('%s.%s.USD.monthly', p.id, p.price_amount), now(), now()
  FROM owo.provider_account AS a, owo.plan AS p WHERE p.slug IN ('pro', 'team');

CREATE TABLE sequence_of_events (number integer GENERATED ALWAYS AS IDENTITY, id uuid);
CREATE FUNCTION told(kind text, at timestamptz, object jsonb) RETURNS void LANGUAGE sql AS $$
    WITH new AS (INSERT INTO sequence_of_events (id) VALUES (gen_random_uuid()) RETURNING id)
    INSERT INTO owo.webhook_event (id, account_id, organization_id, provider, event_id, kind, body, next_at, received_at, updated_at)
    SELECT new.id, a.id, a.organization_id, 'stripe', new.id::text, told.kind,
           convert_to(jsonb_build_object('id', 'evt_' || new.id, 'object', 'event', 'type', told.kind, 'livemode', false,
               'created', extract(epoch FROM told.at)::bigint, 'data', jsonb_build_object('object', told.object))::text, 'UTF8'),
           clock_timestamp() - interval '1 minute', clock_timestamp(), clock_timestamp() - interval '1 minute'
      FROM owo.provider_account AS a, new
$$;
-- A subscription of a customer who is known by the tag that we put on it.
CREATE FUNCTION subscription(state text, starts timestamptz, ends timestamptz, more jsonb DEFAULT '{}',
    id text DEFAULT 'sub_1', customer text DEFAULT 'acme', price text DEFAULT 'price_pro') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', id, 'object', 'subscription', 'status', state, 'customer', 'cus_' || customer,
        'metadata', jsonb_build_object('owo_customer', (SELECT c.id FROM owo.customer AS c WHERE c.key = customer)),
        'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('quantity', 1,
            'current_period_start', extract(epoch FROM starts)::bigint, 'current_period_end', extract(epoch FROM ends)::bigint,
            'price', jsonb_build_object('id', price, 'product', 'prod_1', 'unit_amount', 2900, 'currency', 'usd'))))) || more
$$;
CREATE FUNCTION invoice(id text, paid boolean, more jsonb DEFAULT '{}', subscription text DEFAULT 'sub_1', customer text DEFAULT 'acme')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', id, 'object', 'invoice', 'customer', 'cus_' || customer, 'currency', 'usd',
        'status', CASE WHEN paid THEN 'paid' ELSE 'open' END, 'amount_due', 2900, 'amount_paid', CASE WHEN paid THEN 2900 ELSE 0 END,
        'total', 2900, 'billing_reason', 'subscription_cycle',
        'parent', jsonb_build_object('subscription_details', jsonb_build_object('subscription', subscription, 'metadata', '{}'::jsonb))) || more
$$;
CREATE VIEW state AS
    SELECT c.key, p.slug, s.status, s.period_start, s.period_end, s.cancel_at, s.past_due_since, s.ended_at, s.anchor_at, s.linked
      FROM owo.subscription AS s JOIN owo.customer AS c ON c.id = s.customer_id JOIN owo.plan AS p ON p.id = s.plan_id
     WHERE p.slug <> 'free' ORDER BY c.key, s.created_at, p.slug;
CREATE VIEW webhooks AS
    SELECT e.number, w.kind, w.status, w.waits_for, w.error FROM owo.webhook_event AS w JOIN sequence_of_events AS e USING (id) ORDER BY e.number;
GRANT SELECT ON owo.webhook_event TO owo_reader;
\pset format unaligned

-- It waits for its checkout; the free plan lives until then.
SELECT key FROM owo_customer('acme', 'ada@example.test');
SELECT code, status FROM owo_attach('acme', 'pro', provider => 'stripe', callback_url => 'https://app.test/done');
SELECT owo_track('acme', 'calls', 4) IS NOT NULL AS tracked;
-- A payment that comes before its subscription is known waits for it.
SELECT told('invoice.paid', '2026-11-01 00:00:05+00', invoice('in_1', true, '{"billing_reason": "subscription_create"}'));
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT * FROM webhooks;
SELECT told('customer.subscription.created', '2026-11-01 00:00:03+00', subscription('active', '2026-11-01 00:00:02+00', '2026-12-01 00:00:02+00'));
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT * FROM state;
SELECT * FROM webhooks;
SELECT status, amount, currency, reason, subscription_id IS NOT NULL AS linked FROM owo.payment;
-- The units used before count against the new limit.
SELECT allowed, balance FROM owo_check('acme', 'calls');
-- Told again, it is known.
SELECT told('customer.subscription.created', '2026-11-01 00:00:03+00', subscription('active', '2026-11-01 00:00:02+00', '2026-12-01 00:00:02+00'));
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT effects FROM owo.webhook_event ORDER BY updated_at DESC LIMIT 1;
-- The provider was not told what it told us.
SELECT kind FROM owo.outbox ORDER BY kind;

-- It leaves, and stays after all.
SELECT told('customer.subscription.updated', '2026-11-10+00', subscription('active', '2026-11-01 00:00:02+00', '2026-12-01 00:00:02+00', '{"cancel_at_period_end": true}'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, cancel_at FROM state;
SELECT told('customer.subscription.updated', '2026-11-11+00', subscription('active', '2026-11-01 00:00:02+00', '2026-12-01 00:00:02+00'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, cancel_at FROM state;

-- At its date it renews here, and the provider is asked an hour later unless it has said so.
SELECT owo_clock_set('2026-12-01 00:00:10+00');
SELECT status, period_start, period_end FROM state;
SELECT kind, job -> 'object' AS object, next_at > now() + interval '30 minutes' AS later FROM owo.outbox WHERE kind = 'fetch';
-- The renewal could not be paid.
SELECT told('invoice.payment_failed', '2026-12-01 00:10:00+00', invoice('in_2', false));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, past_due_since FROM state;
SELECT status, failure_code, paid_at FROM owo.payment WHERE external_id = 'in_2';
SELECT told('customer.subscription.updated', '2026-12-01 00:10:05+00', subscription('past_due', '2026-12-01 00:00:02+00', '2027-01-01 00:00:02+00'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, past_due_since FROM state;
-- Days of grace, then nothing.
SELECT allowed, code FROM owo_check('acme', 'calls');
SELECT owo_clock_set('2026-12-09 00:00:00+00');
SELECT allowed, code FROM owo_check('acme', 'calls');
-- Money came after all.
SELECT told('invoice.paid', '2026-12-09 00:00:00+00', invoice('in_2', true));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, past_due_since FROM state;
SELECT status, failure_code, amount FROM owo.payment WHERE external_id = 'in_2';
SELECT allowed, code FROM owo_check('acme', 'calls');
-- An old failure that is told late changes nothing.
SELECT told('invoice.payment_failed', '2026-12-03 00:10:00+00', invoice('in_2', false));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status FROM state;
SELECT status FROM owo.payment WHERE external_id = 'in_2';

-- Given up: no days of grace are left, however many there will be.
SELECT owo_clock_set('2026-12-09 02:00:00+00');
SELECT told('customer.subscription.updated', '2026-12-09 01:00:00+00', subscription('unpaid', '2026-12-01 00:00:02+00', '2027-01-01 00:00:02+00'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status FROM state;
SELECT allowed, code FROM owo_check('acme', 'calls');
SELECT grace_days FROM owo_organization_set('lab', '{"grace_days": 60}');
SELECT allowed, code FROM owo_check('acme', 'calls');
SELECT past_due_since FROM state;
-- The end, and words after it.
SELECT told('customer.subscription.deleted', '2026-12-10+00', subscription('canceled', '2026-12-01 00:00:02+00', '2027-01-01 00:00:02+00', '{"ended_at": 1796860800}'));
SELECT told('customer.subscription.updated', '2026-12-11+00', subscription('active', '2026-12-01 00:00:02+00', '2027-01-01 00:00:02+00'));
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT status, ended_at FROM state;

-- Money goes back: known by another id of the payment.
SELECT told('refund.created', '2026-12-12+00', '{"id": "re_1", "object": "refund", "status": "succeeded", "amount": 900, "currency": "usd", "payment_intent": "pi_2"}');
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, waits_for FROM webhooks WHERE number = 13;
SELECT told('invoice_payment.paid', '2026-12-01+00', '{"id": "inpay_1", "object": "invoice_payment", "invoice": "in_2", "status": "paid", "payment": {"type": "payment_intent", "payment_intent": "pi_2"}}');
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, waits_for FROM webhooks WHERE number = 13;
SELECT p.external_id, p.refunded_amount, r.status, r.amount FROM owo.refund AS r JOIN owo.payment AS p ON p.id = r.payment_id;

-- Another plan at the provider: the row of the one before ends, and the provider's id goes on with the new one.
SELECT key FROM owo_customer('bolt');
SELECT told('customer.subscription.created', '2026-12-09+00', subscription('active', '2026-12-09+00', '2027-01-09+00', id => 'sub_2', customer => 'bolt'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, waits_for, error FROM webhooks WHERE number = 15;
-- Begun at the provider by somebody else: nobody is matched by a tag alone, but by what is linked.
INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, created_at, updated_at)
SELECT a.id, 'customer', 'cus_bolt', c.id, c.id, now(), now() FROM owo.provider_account AS a, owo.customer AS c WHERE c.key = 'bolt';
UPDATE owo.webhook_event SET next_at = clock_timestamp() - interval '1 second' WHERE status = 'parked';
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT slug, status, linked FROM state WHERE key = 'bolt';
SELECT told('customer.subscription.updated', '2026-12-10+00', subscription('active', '2026-12-09+00', '2027-01-09+00', id => 'sub_2', customer => 'bolt', price => 'price_team'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT slug, status, linked FROM state WHERE key = 'bolt' ORDER BY slug;
SELECT p.slug FROM owo.provider_ref AS f JOIN owo.subscription AS s ON s.id = f.local_id JOIN owo.plan AS p ON p.id = s.plan_id WHERE f.external_id = 'sub_2';

-- Two customers are meant: a person must look.
SELECT told('customer.subscription.updated', '2026-12-12+00', subscription('active', '2026-12-09+00', '2027-01-09+00', id => 'sub_2', customer => 'bolt', price => 'price_team') || '{"customer": "cus_acme"}');
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, error FROM webhooks WHERE number = 17;
-- A price that no plan stands for waits until one does.
SELECT key FROM owo_customer('core');
INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, created_at, updated_at)
SELECT a.id, 'customer', 'cus_core', c.id, c.id, now(), now() FROM owo.provider_account AS a, owo.customer AS c WHERE c.key = 'core';
SELECT told('customer.subscription.created', '2026-12-09+00', subscription('active', '2026-12-09+00', '2027-01-09+00', id => 'sub_3', customer => 'core', price => 'price_old'));
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, waits_for, error FROM webhooks WHERE number = 18;
-- By e-mail address only where the organization wants it.
SELECT key FROM owo_customer('dale', 'Dale@Example.test');
SELECT told('customer.created', '2026-12-09+00', '{"id": "cus_dale", "object": "customer", "email": "dale@example.test"}');
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, error FROM webhooks WHERE number = 19;
SELECT (owo_organization_set('lab', '{"match_email": true}')).match_email;
SELECT owo_organization_set('lab', '{"match_email": "yes"}');
UPDATE owo.webhook_event SET next_at = clock_timestamp() - interval '1 second' WHERE status = 'parked';
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT status, error FROM webhooks WHERE number = 19;
SELECT provider, kind, external_id FROM owo.identity WHERE external_id = 'cus_dale';

-- An event that cannot be read holds up nobody.
SELECT told('customer.subscription.created', '2026-12-09+00', 'null');
UPDATE owo.webhook_event SET body = NULL WHERE id = (SELECT id FROM sequence_of_events ORDER BY number DESC LIMIT 1);
SELECT told('payment_method.attached', '2026-12-09+00', '{"id": "pm_1", "object": "payment_method", "type": "card", "customer": "cus_bolt", "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2031}}');
SELECT owo_worker_tick() -> 'webhooks' AS applied;
SELECT status, error FROM webhooks WHERE number >= 20;
SELECT provider, kind, brand, last_digits, is_default FROM owo.payment_method;

-- What was told to listeners.
SELECT c.key, e.type, count(*) FROM owo.event AS e JOIN owo.customer AS c ON c.id = e.customer_id
 WHERE e.type ~ '^(subscription|payment|checkout)' GROUP BY c.key, e.type ORDER BY 1, 2;
