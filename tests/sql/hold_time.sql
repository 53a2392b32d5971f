-- Holds and time: they expire, their period ends, plans are switched meanwhile.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "tokens"}, {"slug": "capped"}, {"slug": "pooled"}, {"slug": "fresh"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}]}],
  "plans": [
    {"slug": "free", "planGroup": "main", "autoEnable": true, "features": [
      {"slug": "tokens", "limit": 10}, {"slug": "capped", "limit": 10, "rollover": true, "maxRollover": 8}, {"slug": "pooled", "limit": 10, "resetAnchor": "calendar"},
      {"slug": "fresh", "limit": 10}, {"slug": "credits", "limit": 10}]},
    {"slug": "pro", "planGroup": "main", "price": 1000, "currency": "USD", "features": [
      {"slug": "tokens", "limit": 20}, {"slug": "capped", "limit": 20, "rollover": true}, {"slug": "pooled", "limit": 20, "resetAnchor": "calendar"},
      {"slug": "fresh", "limit": 20, "resetOnEnable": true}, {"slug": "credits", "limit": 20}]},
    {"slug": "year", "planGroup": "main", "price": 90000, "currency": "USD", "interval": "yearly", "features": [
      {"slug": "tokens", "limit": 300, "reset": "billing_period"}, {"slug": "credits", "limit": 300, "reset": "billing_period"}]}]}') -> 'success';
CREATE FUNCTION pg_temp.pass(by interval) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT owo_clock_advance(by) $$;
CREATE FUNCTION pg_temp.pay(plan text) RETURNS text LANGUAGE sql AS $$
    SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('acme', plan))) $$;
CREATE FUNCTION pg_temp.hold(feature text, value numeric, ttl interval DEFAULT '24 hours') RETURNS uuid LANGUAGE sql AS $$
    SELECT reservation FROM owo_reserve('acme', feature, value, ttl) $$;
CREATE FUNCTION pg_temp.state(feature text) RETURNS TABLE (usage numeric, usage_limit numeric, balance numeric, resets_at timestamptz) LANGUAGE sql AS $$
    SELECT usage, usage_limit, balance, resets_at FROM owo_check('acme', feature, 0) $$;
CREATE VIEW pg_temp.holds AS
    SELECT f.slug AS feature, r.status, r.quantity, r.settled_quantity, r.closed_at FROM owo.reservation r JOIN owo.feature f ON f.id = r.feature_id ORDER BY r.created_at, r.id;
SELECT key FROM owo_customer('acme');

-- the date settles it: the clock runs what fell due
SELECT pg_temp.hold('tokens', 6, '1 hour') AS one \gset
SELECT pg_temp.pass('59 min 59.999999 s');
SELECT * FROM pg_temp.state('tokens');
SELECT pg_temp.pass('1 microsecond');
SELECT * FROM pg_temp.state('tokens');
SELECT * FROM pg_temp.holds;
SELECT owo_settle(:'one', 1);
SELECT owo_release(:'one');
SELECT count(*) AS recorded FROM owo.usage;

-- after the period: what is used counts in the hold's period, what is not used goes to nobody
SELECT pg_temp.pass('30 days 20 hours');
SELECT allowed FROM owo_track('acme', 'tokens', 1);
SELECT pg_temp.hold('tokens', 4) AS more \gset
SELECT pg_temp.hold('tokens', 5) AS less \gset
SELECT * FROM pg_temp.state('tokens');
SELECT pg_temp.pass('5 hours');
SELECT * FROM pg_temp.state('tokens');
-- the rest of a closed period is not given to the running one
SELECT allowed, code, usage, balance FROM owo_settle(:'less', 2);
SELECT * FROM pg_temp.state('tokens');
-- beyond the hold it is drawn now
SELECT allowed, code, usage, balance, details -> 'drawn' AS drawn FROM owo_settle(:'more', 7);
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT p.number, p.period_start, p.used FROM owo.meter_period p JOIN owo.meter m ON m.id = p.meter_id JOIN owo.feature f ON f.id = m.subject_id WHERE f.slug = 'tokens' ORDER BY 1;
SELECT quantity, at FROM owo.usage ORDER BY at, quantity;
SELECT * FROM owo_verify();

-- what rolls over: the rest of the period, as soon as it is known
SELECT * FROM pg_temp.state('capped');
SELECT pg_temp.hold('capped', 18) AS both \gset
SELECT source, used, remaining FROM owo_explain('acme', 'capped') WHERE applied ORDER BY ordinal;
SELECT allowed, usage, details -> 'drawn' AS drawn FROM owo_settle(:'both', 9);
SELECT source, used, remaining FROM owo_explain('acme', 'capped') WHERE applied ORDER BY ordinal;
SELECT pg_temp.pass('27 days 20 hours');
SELECT pg_temp.hold('capped', 5) AS late \gset
SELECT pg_temp.pass('10 hours');
SELECT resets_at, usage, usage_limit, balance FROM pg_temp.state('capped');
SELECT allowed, usage, usage_limit, balance FROM owo_release(:'late');
SELECT resets_at, usage, usage_limit, balance FROM pg_temp.state('capped');

-- a switch moves the count, or starts afresh
SELECT pg_temp.hold('tokens', 4) AS stays \gset
SELECT pg_temp.hold('fresh', 4) AS fresh \gset
SELECT allowed FROM owo_track('acme', 'fresh', 1);
SELECT pg_temp.pay('pro');
SELECT * FROM pg_temp.state('tokens');
SELECT * FROM pg_temp.state('fresh');
SELECT usage, usage_limit, balance FROM owo_settle(:'stays', 1);
-- the new count never had it
SELECT usage, usage_limit, balance FROM owo_release(:'fresh');
SELECT pg_temp.pass('1 hour');
SELECT pg_temp.hold('tokens', 6) AS moved \gset
SELECT pg_temp.hold('tokens', 3) AS gone \gset
SELECT pg_temp.hold('images', 2) AS credit \gset
SELECT * FROM pg_temp.state('tokens');
SELECT pg_temp.pay('year');
SELECT * FROM pg_temp.state('tokens');
SELECT (credits -> 'plan' ->> 'used')::numeric AS credits_used FROM owo_check('acme', 'images', 0);
-- nobody gives back what moved with the hold
SELECT owo_track('acme', 'tokens', -2);
SELECT usage, usage_limit, balance FROM owo_track('acme', 'tokens', -1);
SELECT owo_track('acme', 'tokens', -1);
SELECT usage, usage_limit, balance, details -> 'drawn' AS drawn FROM owo_settle(:'moved', 2);
SELECT usage, usage_limit, balance FROM owo_release(:'gone');
SELECT usage, credits -> 'plan' ->> 'used' AS credits_used FROM owo_settle(:'credit', 1.5);
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
SELECT m.cadence, sum(p.used) FROM owo.meter_period p JOIN owo.meter m ON m.id = p.meter_id JOIN owo.feature f ON f.id = m.subject_id
 WHERE f.slug = 'tokens' GROUP BY 1 ORDER BY 1;
SELECT feature, sum(quantity) FROM owo.usage GROUP BY 1 ORDER BY 1;

-- two switches in a row, then the hold ends by itself
SELECT key FROM owo_customer('zeta');
SELECT reservation IS NOT NULL AS held FROM owo_reserve('zeta', 'tokens', 6, '2 hours');
SELECT pg_temp.pass('30 min');
SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('zeta', 'year')));
SELECT pg_temp.pass('30 min');
SELECT code, status FROM owo_attach('zeta', 'free', timing => 'now');
SELECT usage, usage_limit FROM owo_check('zeta', 'tokens');
SELECT pg_temp.pass('1 hour');
SELECT usage, usage_limit FROM owo_check('zeta', 'tokens');
SELECT * FROM owo_verify();

-- who is erased holds nothing
SELECT reservation AS last FROM owo_reserve('zeta', 'tokens', 2, metadata => '{"who": "me"}') \gset
SELECT owo_customer_delete('zeta');
SELECT status, metadata, lines FROM owo.reservation WHERE id = :'last';
SELECT owo_settle(:'last', 1);
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
-- another organization does not see it
SELECT pg_temp.hold('tokens', 1) AS ours \gset
RESET owostack.organization;
SELECT owo_settle(:'ours', 1);
