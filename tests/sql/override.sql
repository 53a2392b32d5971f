-- Overrides of customers and of subscriptions, and the order in which a value is resolved.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-31 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "plain", "default": 5}, {"slug": "never"}, {"slug": "sso", "type": "boolean"}, {"slug": "audit", "type": "boolean"},
               {"slug": "region", "type": "static", "default": "eu"}, {"slug": "seats", "type": "entity", "default": 1}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 10}]}],
  "plans": [
    {"slug": "base", "planGroup": "main", "features": [
       {"slug": "calls", "limit": 100}, {"slug": "sso", "enabled": false}, {"slug": "region", "value": "us"}, {"slug": "seats", "limit": 2}, {"slug": "credits", "limit": 50}]},
    {"slug": "extra", "isAddon": true, "features": [{"slug": "calls", "limit": 30}, {"slug": "audit"}]},
    {"slug": "big", "planGroup": "main", "price": 100, "currency": "USD", "interval": "yearly", "features": [{"slug": "calls", "limit": 1000}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT subscription_id AS base FROM owo_attach('acme', 'base') \gset
CREATE FUNCTION pg_temp.state(c text DEFAULT 'acme') RETURNS TABLE (feature text, allowed boolean, code text, usage numeric, usage_limit numeric, balance numeric, source text, value jsonb) LANGUAGE sql AS $$
    SELECT feature, (decision).allowed, (decision).code, (decision).usage, (decision).usage_limit, (decision).balance, source, value FROM owo_features(c) ORDER BY 1
$$;

-- it keeps the meter: used 80 of 100, override 150, 70 are left
SELECT balance FROM owo_track('acme', 'calls', 80);
SELECT enabled, usage_limit, unlimited, value, expires_at, reason, subscription_id FROM owo_override('acme', 'calls', usage_limit => 150, reason => 'promised');
SELECT usage, usage_limit, balance FROM owo_check('acme', 'calls');
-- a later one replaces it as a whole; below what is used nothing is left, and nothing is lost
SELECT usage_limit, reason FROM owo_override('acme', 'calls', usage_limit => 60);
SELECT allowed, code, usage, usage_limit, balance, overage FROM owo_check('acme', 'calls');
SELECT usage_limit, unlimited FROM owo_override('acme', 'calls', unlimited => true);
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'calls', 1000);
SELECT owo_limit('acme', 'calls') IS NULL AS unlimited;
SELECT usage_limit FROM owo_override('acme', 'calls', usage_limit => 0);
SELECT code, usage_limit FROM owo_check('acme', 'calls');
SELECT count(*) FROM owo.override;
-- off, whatever else grants
SELECT enabled FROM owo_override('acme', 'calls', enabled => false, usage_limit => 500);
SELECT code, usage, usage_limit, balance FROM owo_check('acme', 'calls');
SELECT source, applied, reason FROM owo_explain('acme', 'calls');
SELECT owo_override_remove('acme', 'calls');
SELECT owo_override_remove('acme', 'calls');
SELECT usage, usage_limit FROM owo_check('acme', 'calls');

-- booleans and static values
SELECT enabled FROM owo_override('acme', 'sso', enabled => true);
SELECT enabled FROM owo_override('acme', 'audit', enabled => true);
SELECT value FROM owo_override('acme', 'region', value => '"ap"');
SELECT * FROM pg_temp.state() WHERE feature IN ('sso', 'audit', 'region');
SELECT owo_value('acme', 'region');
SELECT enabled FROM owo_override('acme', 'region', enabled => false);
SELECT (owo_check('acme', 'region')).code, owo_value('acme', 'region');
SELECT owo_override_remove('acme', 'sso'), owo_override_remove('acme', 'audit'), owo_override_remove('acme', 'region');
SELECT * FROM pg_temp.state() WHERE feature IN ('sso', 'audit', 'region');

-- seats, above and below what is taken
SELECT count, usage_limit FROM owo_entity_add('acme', 'seats', 'ada');
SELECT count, usage_limit FROM owo_entity_add('acme', 'seats', 'bob');
SELECT owo_entity_add('acme', 'seats', 'cyd');
SELECT usage_limit FROM owo_override('acme', 'seats', usage_limit => 3);
SELECT count, usage_limit, remaining FROM owo_entity_add('acme', 'seats', 'cyd');
SELECT usage_limit FROM owo_override('acme', 'seats', usage_limit => 1);
SELECT allowed, code, usage, usage_limit, balance, overage FROM owo_check('acme', 'seats');
SELECT owo_override_remove('acme', 'seats');

-- several parts: each subscription's own override, the customer's for the rest, else the plans'
SELECT subscription_id AS one FROM owo_attach('acme', 'extra') \gset
SELECT subscription_id AS two FROM owo_attach('acme', 'extra') \gset
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT subscription_id = :'one' AS of_one FROM owo_override('acme', 'calls', usage_limit => 7, subscription => :'one');
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT usage_limit FROM owo_override('acme', 'calls', usage_limit => 2000);
SELECT usage, usage_limit, balance FROM owo_check('acme', 'calls');
SELECT source, granted, used, applied, reason FROM owo_explain('acme', 'calls') ORDER BY applied DESC, granted DESC;
SELECT enabled FROM owo_override('acme', 'calls', enabled => false, subscription => :'two');
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT owo_override_remove('acme', 'calls');
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT owo_override_remove('acme', 'calls', :'one'), owo_override_remove('acme', 'calls', :'two');
SELECT usage_limit FROM owo_check('acme', 'calls');
-- a subscription's override decides alone where the customer's has no part left to decide
SELECT enabled FROM owo_override('acme', 'audit', enabled => false);
SELECT enabled FROM owo_override('acme', 'audit', enabled => true, subscription => :'one');
SELECT code FROM owo_check('acme', 'audit');
SELECT owo_override_remove('acme', 'audit', :'one');
SELECT code FROM owo_check('acme', 'audit');
SELECT owo_override_remove('acme', 'audit');
-- it ends with its subscription, and cannot be made for one that has ended
SELECT usage_limit FROM owo_override('acme', 'calls', usage_limit => 500, subscription => :'one');
SELECT status FROM owo_cancel('acme', 'extra', at_period_end => false, subscription => :'one');
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT owo_override('acme', 'calls', usage_limit => 1, subscription => :'one');
SELECT owo_override_remove('acme', 'calls', :'one');

-- credits behind a feature: an override of the feature stands in their place, for this feature
SELECT usage_limit, balance FROM owo_check('acme', 'images');
SELECT usage_limit FROM owo_override('acme', 'images', usage_limit => 9);
SELECT code, usage, usage_limit, balance FROM owo_track('acme', 'images', 4);
SELECT system, source, used, remaining FROM owo_credits('acme');
SELECT owo_override_remove('acme', 'images');
SELECT usage_limit, balance FROM owo_check('acme', 'images');

-- without a plan: a monthly allowance from the customer's creation; switched on without a number, no limit
SELECT key FROM owo_customer('bare');
SELECT code FROM owo_check('bare', 'never');
SELECT usage_limit FROM owo_override('bare', 'never', usage_limit => 10);
SELECT code, usage, usage_limit, balance, resets_at FROM owo_track('bare', 'never', 6);
-- replaced, or removed and made again, it counts on
SELECT usage_limit FROM owo_override('bare', 'never', usage_limit => 20);
SELECT usage, balance FROM owo_check('bare', 'never');
SELECT owo_override_remove('bare', 'never');
SELECT code FROM owo_check('bare', 'never');
SELECT usage_limit FROM owo_override('bare', 'never', usage_limit => 8);
SELECT usage, balance FROM owo_check('bare', 'never');
SELECT enabled FROM owo_override('bare', 'sso', enabled => true);
SELECT enabled FROM owo_override('bare', 'calls', enabled => true);
-- a default is replaced, or switched off
SELECT usage_limit FROM owo_override('bare', 'plain', usage_limit => 50);
SELECT enabled FROM owo_override('bare', 'seats', enabled => false);
SELECT * FROM pg_temp.state('bare');
SELECT owo_clock_advance('28 days');
SELECT usage, balance FROM owo_check('bare', 'never');

-- until a date, and until the renewal
SELECT expires_at FROM owo_override('acme', 'calls', usage_limit => 5000, expires_at => '2027-02-28 12:00+00');
SELECT usage, usage_limit FROM owo_check('acme', 'calls');
SELECT owo_clock_set('2027-02-28 11:59:59+00');
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT owo_clock_set('2027-02-28 12:00+00');
SELECT usage_limit FROM owo_check('acme', 'calls');
SELECT source, applied, reason FROM owo_explain('acme', 'calls') WHERE NOT applied;
SELECT expires_at FROM owo_override('acme', 'calls', usage_limit => 700, until_renewal => true);
SELECT usage_limit FROM owo_check('acme', 'calls');
-- again, while it overrides the very plan that renews
SELECT expires_at FROM owo_override('acme', 'calls', usage_limit => 701, until_renewal => true);
SELECT expires_at FROM owo_override('acme', 'sso', enabled => true, until_renewal => true);
SELECT expires_at FROM owo_override('acme', 'images', usage_limit => 1, until_renewal => true);
SELECT owo_clock_set('2027-03-31 00:00+00');
SELECT code, usage_limit FROM owo_check('acme', 'calls');
SELECT code FROM owo_check('acme', 'sso');
-- of a subscription: its own period
SELECT key FROM owo_customer('yearly');
SELECT checkout_id AS c, subscription_id AS s FROM owo_attach('yearly', 'big') \gset
SELECT owo_override('yearly', 'calls', usage_limit => 1, until_renewal => true);
SELECT owo_override('yearly', 'calls', usage_limit => 1, until_renewal => true, subscription => :'s');
SELECT usage_limit FROM owo_override('yearly', 'calls', usage_limit => 5, subscription => :'s');
SELECT status FROM owo_checkout_complete(:'c');
SELECT usage_limit FROM owo_check('yearly', 'calls');
SELECT expires_at FROM owo_override('yearly', 'calls', usage_limit => 6, until_renewal => true, subscription => :'s');
-- no plan that renews
SELECT owo_override('bare', 'calls', usage_limit => 1, until_renewal => true);
SELECT owo_override('acme', 'audit', enabled => true, until_renewal => true);

-- bad input
SELECT owo_override('acme', 'calls');
SELECT owo_override('acme', 'calls', usage_limit => -1);
SELECT owo_override('acme', 'calls', usage_limit => 'NaN');
SELECT owo_override('acme', 'calls', usage_limit => 1e20);
SELECT owo_override('acme', 'calls', usage_limit => 1, unlimited => true);
SELECT owo_override('acme', 'calls', value => '1');
SELECT owo_override('acme', 'sso', usage_limit => 1);
SELECT owo_override('acme', 'sso', value => 'true');
SELECT owo_override('acme', 'region', usage_limit => 1);
SELECT owo_override('acme', 'region', unlimited => true);
SELECT owo_override('acme', 'region', value => 'null');
SELECT owo_override('acme', 'region', value => to_jsonb(repeat('x', 17000)));
SELECT owo_override('acme', 'calls', usage_limit => 1, expires_at => '2027-03-31 00:00+00');
SELECT owo_override('acme', 'calls', usage_limit => 1, expires_at => 'infinity');
SELECT owo_override('acme', 'calls', usage_limit => 1, expires_at => '2028-01-01', until_renewal => true);
SELECT owo_override('acme', 'calls', usage_limit => 1, reason => repeat('x', 1001));
SELECT owo_override('acme', 'calls', usage_limit => 1, subscription => '00000000-0000-0000-0000-000000000000');
SELECT owo_override('acme', 'calls', usage_limit => 1, subscription => :'s');
SELECT owo_override('acme', 'nothing', usage_limit => 1);
SELECT owo_override('acme', 'credits', usage_limit => 1);
SELECT owo_override('nobody', 'calls', usage_limit => 1);
SELECT owo_override(NULL, 'calls', usage_limit => 1);
SELECT owo_override('acme', NULL, usage_limit => 1);
SELECT owo_override_remove('acme', 'nothing');
SELECT owo_override_remove('nobody', 'calls');
SELECT owo_override_remove(NULL, 'calls');
SELECT owo_override_remove('acme', NULL);
-- rights
SET ROLE owo_app;
SELECT owo_override('acme', 'calls', usage_limit => 1);
SELECT owo_override_remove('acme', 'calls');
UPDATE owo.override SET usage_limit = 1;
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
