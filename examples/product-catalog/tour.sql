-- A product catalog: products are plan groups, features have defaults, plans have billing cycles, contracts have overrides.
-- From the top of the repository: psql -d <database with the extension> -f examples/product-catalog/tour.sql
\set ON_ERROR_STOP on
\set catalog `cat examples/product-catalog/catalog.json`
SELECT slug FROM owo_organization('catalog', 'Product catalog', 'sandbox');
SET owostack.organization = 'catalog';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync(:'catalog') -> 'success' AS synced;

-- 1. A product with its plans and their billing cycles, each with the id that it has at the payment provider
SELECT p.slug, p.price, p.billing_interval, c ->> 'key' AS cycle, c ->> 'price' AS cycle_price, c ->> 'interval' AS interval, c ->> 'intervalCount' AS times, c ->> 'externalId' AS external_id
FROM owo_plans(plan_group => 'planner') AS p LEFT JOIN LATERAL jsonb_array_elements(p.cycles) AS c ON true;

-- 2. A customer, and the name by which another system knows it
SELECT key FROM owo_customer('northwind', 'it@northwind.example', 'Northwind');
SELECT provider, kind, external_id FROM owo_identity_link('northwind', 'crm', 'ACC-1042', 'account');
SELECT key, name FROM owo_customer_by_identity('crm', 'ACC-1042', 'account');

-- 3. Without a subscription: the defaults of features
CREATE TEMP VIEW what_northwind_has AS
    SELECT feature, source, (decision).allowed, coalesce(value #>> '{}', CASE WHEN type IN ('metered', 'entity') THEN coalesce((decision).usage_limit::text, 'unlimited') END) AS value
    FROM owo_features('northwind') ORDER BY feature;
SELECT * FROM what_northwind_has;

-- 4. Two products and a training day: one plan of each exclusive product, any number of training days
SELECT code, trial, trial_ends_at FROM owo_attach('northwind', 'planner-pro', cycle => 'annual');
SELECT checkout_id FROM owo_attach('northwind', 'drive-100') \gset drive_
SELECT status, amount, currency FROM owo_checkout_complete(:'drive_checkout_id', 'invoice 1');
SELECT checkout_id FROM owo_attach('northwind', 'training-day') \gset first_
SELECT status, amount FROM owo_checkout_complete(:'first_checkout_id', 'invoice 2');
SELECT checkout_id FROM owo_attach('northwind', 'training-day') \gset second_
SELECT status, amount FROM owo_checkout_complete(:'second_checkout_id', 'invoice 3');
SELECT plan, status, period_start, period_end FROM owo.subscription_now WHERE customer = 'northwind' ORDER BY plan;
SELECT * FROM what_northwind_has;

-- 5. The order in which a value is found: subscription override, customer override, plans, default
SELECT id AS planner FROM owo.subscription_now WHERE customer = 'northwind' AND plan = 'planner-pro' \gset
SELECT owo_value('northwind', 'max-users') AS of_the_plan;
SELECT value, reason FROM owo_override('northwind', 'max-users', value => '40', reason => 'contract 7');
SELECT owo_value('northwind', 'max-users') AS of_the_customer;
SELECT value, reason FROM owo_override('northwind', 'max-users', value => '60', reason => 'pilot of planner', subscription => :'planner');
SELECT owo_value('northwind', 'max-users') AS of_the_subscription;
SELECT owo_override_remove('northwind', 'max-users', :'planner');
SELECT owo_value('northwind', 'max-users') AS of_the_customer;
SELECT owo_override_remove('northwind', 'max-users');
SELECT owo_value('northwind', 'max-users') AS of_the_plan;

-- 6. Numbers: parts of several subscriptions add up; an override keeps what was counted
SELECT usage, usage_limit, balance FROM owo_track('northwind', 'automations', 4000);
SELECT usage_limit FROM owo_override('northwind', 'automations', usage_limit => 9000, subscription => :'planner');
SELECT usage, usage_limit, balance FROM owo_check('northwind', 'automations');
SELECT source, granted, used, remaining, applied, reason FROM owo_explain('northwind', 'automations') ORDER BY applied DESC, granted DESC, used DESC;

-- 7. For a while: until a date, until the renewal; off; without a limit
SELECT expires_at FROM owo_override('northwind', 'projects', unlimited => true, expires_at => '2027-01-10');
SELECT expires_at FROM owo_override('northwind', 'support-level', value => '"24/7"', until_renewal => true, subscription => :'planner');
SELECT enabled FROM owo_override('northwind', 'public-boards', enabled => false, reason => 'security policy');
SELECT * FROM what_northwind_has WHERE feature IN ('projects', 'public-boards', 'support-level');
SELECT owo_clock_set('2027-01-10');
SELECT * FROM what_northwind_has WHERE feature = 'projects';

-- 8. A trial without payment expires, and the plan that follows it takes its place in the same step
SELECT owo_clock_set('2027-01-31');
SELECT plan, status FROM owo.subscription_now WHERE customer = 'northwind' ORDER BY plan;
SELECT * FROM what_northwind_has;

-- 9. Bought after all, for the year, with support on top; a change to quarters waits for the year to end
SELECT checkout_id FROM owo_attach('northwind', 'planner-pro', cycle => 'annual') \gset annual_
SELECT status, amount FROM owo_checkout_complete(:'annual_checkout_id', 'invoice 4');
SELECT checkout_id FROM owo_attach('northwind', 'priority-support') \gset support_
SELECT status, amount FROM owo_checkout_complete(:'support_checkout_id', 'invoice 5');
SELECT owo_value('northwind', 'support-level') AS support;
SELECT code, effective_at FROM owo_attach('northwind', 'planner-pro', cycle => 'quarterly', timing => 'period_end');

-- 10. The catalog changes: values for everybody at once, prices for who comes later
UPDATE owo.plan_feature SET value = '30' WHERE plan_id = (SELECT id FROM owo.plan WHERE slug = 'planner-pro') AND value = '25';
UPDATE owo.plan_cycle SET price_amount = 36000 WHERE key = 'annual';
SELECT owo_value('northwind', 'max-users') AS users;
SELECT owo_clock_set('2028-01-31');
SELECT p.slug AS plan, s.cycle_key, s.price_amount, s.status, s.period_end FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id WHERE p.slug = 'planner-pro' ORDER BY s.started_at;
SELECT c ->> 'key' AS cycle, c ->> 'price' AS price FROM owo_plan('planner-pro') AS p, jsonb_array_elements(p.cycles) AS c;
SELECT count(*) AS differences FROM owo_verify();
