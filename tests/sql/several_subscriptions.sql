-- Several subscriptions at once: base plans of several groups, add-ons, groups that are not exclusive, cycles.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-15 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "sso", "type": "boolean"}, {"slug": "level", "type": "static", "default": "none"}, {"slug": "seats", "type": "entity"}],
  "planGroups": [{"slug": "app", "features": ["calls", "level"]}, {"slug": "data", "features": ["calls"]}, {"slug": "pool", "exclusive": false, "features": ["seats"]}],
  "plans": [
    {"slug": "app-basic", "planGroup": "app", "rank": 1, "features": [{"slug": "calls", "limit": 10}, {"slug": "sso", "enabled": false}, {"slug": "level", "value": "basic"}]},
    {"slug": "app-pro", "planGroup": "app", "rank": 2, "price": 1000, "currency": "USD",
     "billingCycles": [{"key": "annual", "price": 10000, "currency": "USD", "interval": "yearly", "externalId": "price_1"}, {"key": "two-months", "price": 1900, "currency": "USD", "interval": "monthly", "intervalCount": 2, "externalId": "price_2"}],
     "features": [{"slug": "calls", "limit": 100, "reset": "billing_period"}, {"slug": "level", "value": "pro"}]},
    {"slug": "data-basic", "planGroup": "data", "rank": 5, "features": [{"slug": "calls", "limit": 20}, {"slug": "level", "value": "data"}, {"slug": "sso"}]},
    {"slug": "seat-pack", "planGroup": "pool", "features": [{"slug": "seats", "limit": 5}]},
    {"slug": "more-calls", "planGroup": "app", "isAddon": true, "features": [{"slug": "calls", "limit": 7}]},
    {"slug": "any-base", "isAddon": true, "rank": 9, "features": [{"slug": "level", "value": "addon"}]}]}') -> 'success';
RESET ROLE;
SET owostack.organization = 'lab';
SELECT key FROM owo_customer('acme');
CREATE FUNCTION pg_temp.state() RETURNS TABLE (feature text, code text, usage numeric, usage_limit numeric, balance numeric, value jsonb) LANGUAGE sql AS $$
    SELECT feature, (decision).code, (decision).usage, (decision).usage_limit, (decision).balance, value FROM owo_features('acme') ORDER BY 1
$$;

-- allowances add up, one plan that says yes is enough, a static value is that of the highest rank
SELECT code FROM owo_attach('acme', 'more-calls');
SELECT code, type FROM owo_attach('acme', 'app-basic');
SELECT * FROM pg_temp.state();
SET ROLE owo_admin;
SELECT owo_clock_advance('1 hour');
RESET ROLE;
SELECT code, type FROM owo_attach('acme', 'data-basic');
SELECT * FROM pg_temp.state();
SELECT code, type FROM owo_attach('acme', 'more-calls');
SELECT code, type FROM owo_attach('acme', 'any-base');
SELECT * FROM pg_temp.state();
SELECT plan, status FROM owo.subscription_now ORDER BY plan;
-- drawn in one order: base plans by their reset, then add-ons
SELECT code, usage, balance, details -> 'drawn' AS drawn FROM owo_track('acme', 'calls', 33);
SELECT source, granted, used, remaining FROM owo_explain('acme', 'calls') WHERE applied ORDER BY ordinal;
SELECT code FROM owo_track('acme', 'calls', 5);
SELECT code, balance FROM owo_track('acme', 'calls', 4);

-- a group that is not exclusive stacks, each with a count of its own
SELECT subscription_id AS one FROM owo_attach('acme', 'seat-pack') \gset
SELECT subscription_id AS two FROM owo_attach('acme', 'seat-pack') \gset
SELECT usage_limit FROM owo_check('acme', 'seats');
SELECT count(*) FROM generate_series(1, 7) AS i, owo_entity_add('acme', 'seats', 'seat ' || i);
SELECT owo_cancel('acme', 'seat-pack', at_period_end => false);
SELECT status FROM owo_cancel('acme', 'seat-pack', at_period_end => false, subscription => :'one');
SELECT code, usage, usage_limit, balance, overage FROM owo_check('acme', 'seats');
SELECT owo_entity_add('acme', 'seats', 'seat 8');
SELECT status, count FROM owo_entity_remove('acme', 'seats', 'seat 7');

-- leaving the base plan does not end its add-ons; another base plan takes the place of the first
SELECT checkout_id AS c, amount_due FROM owo_attach('acme', 'app-pro', cycle => 'two-months') \gset
SET ROLE owo_admin;
SELECT status, amount FROM owo_checkout_complete(:'c');
RESET ROLE;
SELECT plan, status, period_start, period_end FROM owo.subscription_now WHERE plan LIKE 'app%' OR plan = 'more-calls' ORDER BY plan;
SELECT * FROM pg_temp.state();
-- billing cycles: pinned with key, price and interval, which the reset may follow
SELECT cycle_key, price_amount, billing_interval, interval_count FROM owo.subscription WHERE cycle_key IS NOT NULL;
SELECT c ->> 'key' AS key, c ->> 'externalId' AS external_id, c ->> 'price' AS price, c ->> 'interval' AS interval, c ->> 'intervalCount' AS count FROM owo_plan('app-pro') AS p, jsonb_array_elements(p.cycles) AS c;
SELECT source, granted, used, period_end FROM owo_explain('acme', 'calls') WHERE applied ORDER BY granted DESC;
SELECT code, type, effective_at FROM owo_attach('acme', 'app-pro', cycle => 'annual');
SET ROLE owo_admin;
UPDATE owo.plan_cycle SET price_amount = 99999 WHERE key = 'two-months';
SELECT owo_clock_set('2027-03-15 01:00+00');
RESET ROLE;
SELECT plan, status, period_start, period_end FROM owo.subscription_now WHERE plan LIKE 'app%' ORDER BY plan;
SELECT cycle_key, price_amount, billing_interval, status FROM owo.subscription WHERE cycle_key IS NOT NULL ORDER BY cycle_key;
SELECT code FROM owo_attach('acme', 'app-pro', cycle => 'price_1');

-- each subscription has its own calendar; the soonest reset is the one that is told
SELECT resets_at, reset_interval FROM owo_check('acme', 'calls');
SELECT source, granted, period_start, period_end FROM owo_explain('acme', 'calls') WHERE applied ORDER BY granted DESC, period_end, ordinal;
-- paused, it gives nothing; the others do
SELECT status FROM owo_pause('acme', 'data-basic');
SELECT * FROM pg_temp.state();
SELECT source, granted, applied, reason FROM owo_explain('acme', 'calls') WHERE NOT applied ORDER BY reason;
SELECT status FROM owo_resume('acme', 'data-basic');
SELECT usage_limit FROM owo_check('acme', 'calls');
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
