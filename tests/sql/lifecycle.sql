-- What dates and commands do to subscriptions.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'shop';
SELECT owo_clock_set('2025-01-31 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}],
  "plans": [
    {"slug": "free", "name": "Free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}]},
    {"slug": "pro", "name": "Pro", "price": 2000, "currency": "USD", "planGroup": "main", "features": [{"slug": "calls", "limit": 1000}]},
    {"slug": "try", "name": "Try", "price": 3000, "currency": "USD", "planGroup": "main", "trialDays": 14, "features": [{"slug": "calls", "limit": 300, "trialLimit": 30}]},
    {"slug": "gone", "name": "Gone", "price": 3000, "currency": "USD", "planGroup": "second", "trialDays": 7, "onExpire": "rest"},
    {"slug": "rest", "name": "Rest", "planGroup": "second"},
    {"slug": "extra", "name": "Extra", "isAddon": true, "features": [{"slug": "calls", "limit": 5}]},
    {"slug": "once", "name": "Once", "planGroup": "lifetime", "billingType": "one_time"}
  ]}') -> 'success';
CREATE FUNCTION pg_temp.pay(plan text) RETURNS text LANGUAGE sql AS $$
  SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('acme', plan))) $$;
CREATE FUNCTION pg_temp.rows() RETURNS TABLE (plan text, status text, period_start timestamptz, period_end timestamptz, ended_at timestamptz) LANGUAGE sql AS $$
  SELECT p.slug, s.status, s.period_start, s.period_end, s.ended_at FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id
   ORDER BY s.started_at, s.ended_at, p.slug $$;
SELECT key FROM owo_customer('acme');

-- month ends are clamped and come back; a long sleep is one renewal
SELECT pg_temp.pay('pro');
SELECT period_start, period_end FROM pg_temp.rows() WHERE plan = 'pro';
SELECT owo_clock_set('2025-02-28 00:00+00');
SELECT period_start, period_end FROM pg_temp.rows() WHERE plan = 'pro';
SELECT owo_clock_set('2026-03-30 23:59:59+00');
SELECT period_start, period_end FROM pg_temp.rows() WHERE plan = 'pro';
SELECT type, at FROM owo.event WHERE type = 'subscription.renewed' ORDER BY at;

-- cancel at period end keeps access until then, and can be taken back
SELECT status, cancel_at FROM owo_cancel('acme', 'pro');
SELECT status, cancel_at FROM owo_cancel('acme', 'pro');
SELECT status, cancel_at FROM owo_uncancel('acme', 'pro');
SELECT status, cancel_at FROM owo_uncancel('acme', 'pro');
SELECT status, cancel_at FROM owo_cancel('acme', 'pro');
SELECT (owo_check('acme', 'calls')).usage_limit;
SELECT code FROM owo_attach('acme', 'pro');
SELECT cancel_at FROM owo.subscription_now WHERE plan = 'pro';
SELECT status, cancel_at FROM owo_cancel('acme', 'pro');
SELECT owo_clock_advance('1 second');
SELECT plan, status, ended_at FROM pg_temp.rows() WHERE plan = 'pro';
-- a plain cancellation attaches nothing
SELECT code FROM owo_check('acme', 'calls');
SELECT owo_cancel('acme', 'pro');
SELECT owo_uncancel('acme', 'pro');
SELECT owo_pause('acme', 'pro');
SELECT owo_resume('acme', 'pro');

-- pause grants nothing and does not renew; a resumed one is in the period that runs
SELECT code FROM owo_attach('acme', 'free');
SELECT status, paused_at FROM owo_pause('acme', 'free');
SELECT status, paused_at FROM owo_pause('acme', 'free');
SELECT code FROM owo_check('acme', 'calls');
SELECT owo_clock_advance('3 months');
SELECT status, period_start, period_end FROM owo.subscription_now WHERE plan = 'free' AND status = 'paused';
SELECT status, paused_at, period_start, period_end FROM owo_resume('acme', 'free');
SELECT status FROM owo_resume('acme', 'free');
SELECT (owo_check('acme', 'calls')).usage_limit;

-- a trial: once per group, the notice, the end without payment, the plan after it
SELECT code, type, trial, trial_ends_at, amount_due, status FROM owo_attach('acme', 'try');
SELECT (owo_check('acme', 'calls')).usage_limit;
SELECT code FROM owo_track('acme', 'calls', 20);
SELECT owo_clock_advance('11 days');
SELECT type, at, data ->> 'status' AS status FROM owo.event WHERE type = 'subscription.trial_ending';
SELECT owo_clock_advance('1 month');
SELECT plan, status, ended_at FROM pg_temp.rows() ORDER BY ended_at DESC NULLS FIRST LIMIT 2;
SELECT count(*) FROM owo.event WHERE type = 'subscription.trial_ending';
SELECT code, type, trial, amount_due FROM owo_attach_preview('acme', 'try');
SELECT code, trial FROM owo_attach('acme', 'gone');
SELECT owo_clock_advance('7 days');
SELECT plan, status FROM pg_temp.rows() WHERE plan IN ('gone', 'rest');

-- without a period end a cancellation acts at once
SELECT code FROM owo_attach('acme', 'once');
SELECT status, cancel_at, ended_at FROM owo_cancel('acme', 'once');

-- several subscriptions to one plan have to be named
SELECT subscription_id AS one FROM owo_attach('acme', 'extra') \gset
SELECT code FROM owo_attach('acme', 'extra');
SELECT owo_cancel('acme', 'extra');
SELECT status FROM owo_cancel('acme', 'extra', false, :'one');
SELECT status FROM owo_cancel('acme', 'extra', false);
SELECT owo_cancel('acme', 'extra', false, '00000000-0000-0000-0000-000000000000');

-- bad input
SELECT owo_cancel(NULL, 'free');
SELECT owo_cancel('acme', NULL);
SELECT owo_cancel('acme', 'free', NULL);
SELECT owo_cancel('nobody', 'free');
SELECT owo_cancel('acme', 'nothing');
SELECT owo_pause('acme', 'pro', '00000000-0000-0000-0000-000000000000');
SELECT key FROM owo_customer('other');
SELECT owo_pause('other', 'pro');

-- the tick does the same as the clock, for every organization, and once
SET ROLE postgres;
UPDATE owo.organization SET clock_at = '2026-11-02 00:00+00' WHERE slug = 'shop';
SELECT period_end < '2026-11-02' AS late FROM owo.subscription_now WHERE plan = 'free' AND customer = 'acme' AND status = 'active';
SELECT owo_worker_tick() -> 'due';
SELECT period_start, period_end FROM owo.subscription_now WHERE plan = 'free' AND customer = 'acme' AND status = 'active';
SELECT owo_worker_tick() -> 'due';
-- who is deleted leaves everything
SET ROLE owo_admin;
SELECT code FROM owo_attach('other', 'extra');
SELECT status, count(*) FROM owo.subscription_now WHERE customer = 'other' GROUP BY status ORDER BY status;
SELECT owo_customer_delete('other');
SELECT s.status, count(*) FROM owo.subscription AS s JOIN owo.customer AS c ON c.id = s.customer_id WHERE c.key = 'other' GROUP BY s.status;
SET ROLE postgres;

-- no two live base plans
INSERT INTO owo.subscription (id, customer_id, plan_id, status, organization_id, group_id, price_amount, anchor_at, started_at, created_at, updated_at, count_number, base, one_time, billing_interval)
SELECT gen_random_uuid(), customer_id, plan_id, status, organization_id, group_id, price_amount, anchor_at, started_at, created_at, updated_at, count_number, base, one_time, billing_interval
  FROM owo.subscription WHERE base AND status = 'active' LIMIT 1;
SELECT type, count(*) FROM owo.event GROUP BY type ORDER BY type;
