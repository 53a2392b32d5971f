-- A read that comes after the date of a switch, and before its row, answers what a write then finds.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}],
  "plans": [
    {"slug": "month", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 100, "rollover": true}]},
    {"slug": "week", "planGroup": "main", "features": [{"slug": "calls", "limit": 10, "reset": "weekly", "rollover": true}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT usage FROM owo_track('acme', 'calls', 4);
SELECT reservation IS NOT NULL AS held FROM owo_reserve('acme', 'calls', 3, ttl => '1 day');
SET ROLE postgres;
INSERT INTO owo.plan_change (id, customer_id, subscription_id, to_plan_id, effective_at, price_amount, created_at, one_time, billing_interval)
SELECT gen_random_uuid(), s.customer_id, s.id, p.id, '2027-01-10 00:00+00', 0, now(), false, 'weekly'
  FROM owo.subscription AS s JOIN owo.customer AS c ON c.id = s.customer_id, owo.plan AS p
 WHERE c.key = 'acme' AND s.status = 'active' AND p.slug = 'week';
CREATE FUNCTION pg_temp.ahead(at timestamptz) RETURNS TABLE (plan text, usage numeric, usage_limit numeric, balance numeric) LANGUAGE sql AS $$
    UPDATE owo.organization SET clock_at = at WHERE slug = 'lab';
    SELECT (SELECT plan FROM owo.subscription_now WHERE customer = 'acme' AND status = 'active'), (c).usage, (c).usage_limit, (c).balance
      FROM owo_check('acme', 'calls', 0) AS c $$;
SELECT * FROM pg_temp.ahead('2027-01-09 12:00+00');
SELECT reservation IS NOT NULL AS held FROM owo_reserve('acme', 'calls', 2, ttl => '1 day');
SELECT * FROM pg_temp.ahead('2027-01-10 00:00+00');
-- the first week leaves what the units that it was carried do not use; the week after it all
SELECT * FROM pg_temp.ahead('2027-01-17 00:00+00');
SELECT * FROM pg_temp.ahead('2027-01-24 00:00+00');
SELECT * FROM pg_temp.ahead('2027-01-12 00:00+00');
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.ahead('2027-01-12 00:00+00');
SELECT * FROM pg_temp.ahead('2027-01-17 00:00+00');
SELECT * FROM pg_temp.ahead('2027-01-24 00:00+00');
SELECT * FROM owo_verify();
