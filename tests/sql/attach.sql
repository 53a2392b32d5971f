-- Attaching plans: what it means, what it costs, when it takes effect.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
SELECT owo_clock_set('2025-04-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "sso", "type": "boolean"}],
  "planGroups": [{"slug": "main"}, {"slug": "ranked"}, {"slug": "pool", "exclusive": false}],
  "plans": [
    {"slug": "free", "name": "Free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 100}]},
    {"slug": "pro", "name": "Pro", "price": 2000, "currency": "USD", "planGroup": "main",
     "billingCycles": [{"key": "annual", "price": 20000, "currency": "USD", "interval": "yearly"}], "features": [{"slug": "calls", "limit": 1000}]},
    {"slug": "team", "name": "Team", "price": 2000, "currency": "USD", "planGroup": "main", "features": [{"slug": "calls", "limit": 1500}]},
    {"slug": "max", "name": "Max", "price": 5000, "currency": "USD", "planGroup": "main", "features": [{"slug": "calls", "limit": null}]},
    {"slug": "euro", "name": "Euro", "price": 5000, "currency": "EUR", "planGroup": "main"},
    {"slug": "low", "name": "Low", "price": 900, "currency": "USD", "planGroup": "ranked", "rank": 2},
    {"slug": "high", "name": "High", "price": 1500, "currency": "EUR", "planGroup": "ranked", "rank": 1},
    {"slug": "once", "name": "Once", "price": 9900, "currency": "USD", "billingType": "one_time", "planGroup": "lifetime"},
    {"slug": "extra", "name": "Extra", "isAddon": true, "features": [{"slug": "calls", "limit": 50}]},
    {"slug": "boost", "name": "Boost", "isAddon": true, "planGroup": "main", "price": 300, "currency": "USD"},
    {"slug": "seat", "name": "Seat", "planGroup": "pool"},
    {"slug": "striped", "name": "Striped", "price": 100, "currency": "USD", "provider": "stripe"}
  ]}') -> 'success';
UPDATE owo.plan SET active = false WHERE slug = 'team';
RESET ROLE;
SET owostack.organization = 'shop';

-- a new customer gets the auto-enable plan
SELECT key FROM owo_customer('acme');
SELECT plan, status, period_start, period_end FROM owo.subscription_now WHERE customer = 'acme';

-- the preview says the same as the attach and changes nothing
SELECT code, type, requires_checkout, checkout_id, subscription_id, amount_due, currency, trial FROM owo_attach_preview('acme', 'pro');
SELECT count(*) FROM owo.subscription;
SELECT success, code, type, requires_checkout, status, amount_due, currency, trial, message FROM owo_attach('acme', 'pro');
SELECT checkout_id AS first FROM owo_attach('acme', 'pro') \gset
SELECT checkout_id = :'first' AS same FROM owo_attach('acme', 'pro');
SELECT checkout_id = :'first' AS same FROM owo_attach_preview('acme', 'pro');
-- until the checkout completes, the old plan stays live
SELECT plan, status FROM owo.subscription_now WHERE customer = 'acme' ORDER BY plan;
SELECT (owo_check('acme', 'calls')).usage_limit;
SET ROLE owo_admin;
SELECT status FROM owo_checkout_complete(:'first', 'wire 7');
RESET ROLE;
SELECT plan, status FROM owo.subscription_now WHERE customer = 'acme' AND status NOT IN ('canceled', 'expired');
SELECT (owo_check('acme', 'calls')).usage_limit;

-- half of the month later: 20 to 50 costs 15
SET ROLE owo_admin;
SELECT owo_clock_set('2025-04-16 00:00+00');
RESET ROLE;
SELECT code, type, amount_due, effective_at FROM owo_attach_preview('acme', 'max');
-- a downgrade waits and costs nothing; a second one replaces the first; the current plan takes it back
SELECT code, type, amount_due, effective_at, status FROM owo_attach('acme', 'free');
SELECT code, type, effective_at FROM owo_attach('acme', 'pro', cycle => 'annual');
SELECT to_plan.slug, cycle_key FROM owo.plan_change JOIN owo.plan AS to_plan ON to_plan.id = to_plan_id;
SELECT code, type, amount_due, status FROM owo_attach('acme', 'pro');
SELECT count(*) FROM owo.plan_change;
-- timing in place of the rule
SELECT code, type, effective_at FROM owo_attach_preview('acme', 'max', timing => 'period_end');
SELECT code, type, effective_at, amount_due FROM owo_attach_preview('acme', 'free', timing => 'now');
SELECT code FROM owo_attach('acme', 'max', timing => 'later');
-- a cycle by key or by interval
SELECT code, amount_due FROM owo_attach_preview('acme', 'pro', cycle => 'yearly', timing => 'now');
SELECT code FROM owo_attach('acme', 'pro', cycle => 'fortnight');
-- prices in two currencies
SELECT code FROM owo_attach('acme', 'euro');
SELECT code FROM owo_attach('acme', 'team');
SELECT code FROM owo_attach('acme', 'nothing');
SELECT code, success, message FROM owo_attach('nobody', 'pro');
SELECT code, success FROM owo_attach_preview('nobody', 'pro');
SELECT code FROM owo_attach(NULL, 'pro');
SELECT code, success FROM owo_attach_preview(NULL, 'pro');
SELECT code FROM owo_attach_preview('acme', NULL);
SELECT code FROM owo_attach('acme', NULL);
SELECT code FROM owo_attach('acme', '');
SELECT code FROM owo_attach('acme', 'pro', metadata => '[]');
SELECT code FROM owo_attach('acme', 'pro', callback_url => repeat('x', 2049));
SELECT code FROM owo_attach('acme', 'max', provider => 'paypal');
SELECT code FROM owo_attach('acme', 'max', provider => 'stripe');
SELECT code FROM owo_attach('acme', 'striped');
SELECT code FROM owo_attach('acme', 'striped', provider => 'manual');

-- ranks decide alone; what cannot be set off is not lost
SELECT checkout_id AS paid FROM owo_attach('acme', 'low') \gset
SET ROLE owo_admin;
SELECT status FROM owo_checkout_complete(:'paid');
RESET ROLE;
SELECT code, type FROM owo_attach_preview('acme', 'high');

-- one-time plans have no end
SELECT checkout_id AS paid FROM owo_attach('acme', 'once') \gset
SET ROLE owo_admin;
SELECT status FROM owo_checkout_complete(:'paid');
RESET ROLE;
SELECT status, period_end FROM owo.subscription_now WHERE customer = 'acme' AND plan = 'once';

-- add-ons and groups that are not exclusive stack
SELECT code, type FROM owo_attach('acme', 'extra');
SELECT code, type FROM owo_attach('acme', 'extra');
SELECT code, type FROM owo_attach('acme', 'seat');
SELECT code, type FROM owo_attach('acme', 'seat');
SELECT plan, count(*) FROM owo.subscription_now WHERE customer = 'acme' AND status = 'active' GROUP BY plan ORDER BY plan;
SELECT (owo_check('acme', 'calls')).usage_limit;

-- an add-on needs a base plan to stand on
SET ROLE owo_admin;
UPDATE owo.plan SET auto_enable = false;
RESET ROLE;
SELECT key FROM owo_customer('bare');
SELECT code, success FROM owo_attach('bare', 'extra');
SELECT code FROM owo_attach('bare', 'boost');
SELECT code FROM owo_attach('bare', 'seat');
SELECT code FROM owo_attach('bare', 'extra');
SELECT code FROM owo_attach('bare', 'boost');
SELECT code FROM owo_attach('bare', 'free');
SELECT code FROM owo_attach('bare', 'boost');

-- customer_data creates, and refreshes
SELECT code FROM owo_attach_preview('fresh', 'free', '{"email": "f@example.com"}');
SELECT count(*) FROM owo.customer WHERE key = 'fresh';
SELECT code, status FROM owo_attach('fresh', 'free', '{"email": "f@example.com"}', metadata => '{"seller": "ann"}');
SELECT code FROM owo_attach('f@example.com', 'free', '{"name": "Fresh"}');
SELECT name, email FROM owo_customer('fresh');
SELECT metadata FROM owo.subscription WHERE metadata <> '{}';

-- one effect per key
SELECT code, type FROM owo_attach('fresh', 'extra', idempotency_key => 'k1');
SELECT code, type FROM owo_attach('fresh', 'extra', idempotency_key => 'k1');
SELECT count(*) FROM owo.subscription_now WHERE customer = 'fresh' AND plan = 'extra';
SELECT code FROM owo_attach('fresh', 'seat', idempotency_key => 'k1');
SELECT code FROM owo_attach('fresh', 'seat', idempotency_key => '');
-- a denial frees the key
SELECT code FROM owo_attach('fresh', 'team', idempotency_key => 'k2', timing => 'now');
SELECT code FROM owo_attach('fresh', 'seat', idempotency_key => 'k2');

-- readers preview, nobody does nothing
SET ROLE owo_reader;
SELECT code FROM owo_attach_preview('acme', 'max');
SELECT code FROM owo_attach('acme', 'max');
SET ROLE owo_nobody;
SELECT code FROM owo_attach_preview('acme', 'max');
RESET ROLE;
SELECT status FROM owo_checkout_complete(:'paid');
