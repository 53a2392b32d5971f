-- Months of the record that are kept no longer are dropped by the round: never before they are folded, and every sum stays and is proved.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2024-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "life"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}]}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "calls", "limit": 10, "rollover": true}, {"slug": "life", "limit": 100, "reset": "never"}, {"slug": "credits", "limit": 50, "reset": "never"}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
CREATE FUNCTION pg_temp.use() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM unnest('{calls,life,images}'::text[]) AS f, owo_track('acme', f, 4) AS d WHERE d.allowed
$$;
CREATE FUNCTION pg_temp.state() RETURNS TABLE (feature text, usage numeric, usage_limit numeric, balance numeric) LANGUAGE sql AS $$
    SELECT feature, (decision).usage, (decision).usage_limit, (decision).balance FROM owo_features('acme') ORDER BY 1
$$;
CREATE FUNCTION pg_temp.months() RETURNS TABLE (month text) LANGUAGE sql AS $$
    SELECT right(inhrelid::regclass::text, 7) FROM pg_inherits WHERE inhparent = 'owo.usage_event'::regclass ORDER BY 1
$$;
SELECT pg_temp.use();
-- grants: one is taken back and one is used, one ends by itself in the next month
SELECT key FROM owo_customer('gift');
SELECT id AS given FROM owo_credit_grant('gift', 'credits', 10) \gset
SET ROLE postgres;
SELECT owo._credit_void('gift', :'given');
SET ROLE owo_admin;
SELECT (owo_credit_grant('gift', 'credits', 20, expires_at => '2024-02-10 00:00+00')).amount;
SELECT (owo_track('gift', 'images', 26)).allowed;
-- one is taken back after some of it was used
SELECT id AS given FROM owo_credit_grant('gift', 'credits', 30) \gset
SELECT (owo_track('gift', 'images', 12)).allowed;
SET ROLE postgres;
SELECT owo._credit_void('gift', :'given');
SET ROLE owo_admin;
SELECT owo_clock_set('2024-02-15 00:00+00');
SELECT pg_temp.use();
SELECT code FROM owo_track('acme', 'images', -1);
SELECT (decision).allowed FROM owo_reserve('acme', 'life', 5, '1 hour');
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.months();
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.state();
CREATE TEMP TABLE daily AS SELECT feature, day, quantity FROM owo.usage_by_day;

-- unless told otherwise all of it is kept, and no session of a user tells otherwise
SET owostack.record_months = 1;
SET ROLE postgres;
SET owostack.record_months = 12;
-- a month with an open hold waits for it
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.months();
SELECT * FROM owo_verify();
SET ROLE owo_admin;
SELECT * FROM before EXCEPT SELECT * FROM pg_temp.state();
SELECT (owo_settle(id, 3)).code FROM owo.reservation WHERE status = 'open';
TRUNCATE before;
INSERT INTO before SELECT * FROM pg_temp.state();
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.months();
SELECT * FROM before EXCEPT SELECT * FROM pg_temp.state();
SELECT * FROM owo_verify();
-- the record is gone, daily sums are not
SELECT count(*) FROM owo.usage;
SELECT feature, day, quantity FROM owo.usage_by_day ORDER BY 1, 2;
SELECT * FROM daily WHERE feature <> 'life' EXCEPT SELECT feature, day, quantity FROM owo.usage_by_day;
-- returns, rollover and late events go on; what comes to a dropped month is recorded, and dropped in its turn
SELECT code FROM owo_track('acme', 'images', -1);
SELECT owo_track('acme', 'images', -7);
SELECT code FROM owo_track('acme', 'calls', 1, occurred_at => '2024-01-20 00:00+00');
SELECT * FROM pg_temp.state();
SET ROLE postgres;
SET owostack.record_months = 0;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.months();
SELECT feature, quantity FROM owo.usage ORDER BY 1;
SELECT * FROM owo_verify();
SET owostack.record_months = 12;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.months();
SELECT * FROM owo_verify();
-- more than a grant gave is seen though its record is gone
BEGIN;
UPDATE owo.credit_grant SET amount = 19 WHERE amount = 20;
SELECT expected, actual FROM owo_verify();
ROLLBACK;
-- a proof that nothing can fail is none
SET session_replication_role = replica;
ALTER TABLE owo.meter_period DISABLE TRIGGER USER;
-- nor one that overlooks a rest that was never taken: the sums agree, and the grant says otherwise
SELECT g.amount, g.taken, p.used, p.opening, p.taken_opening
  FROM owo.credit_grant AS g
  JOIN owo.meter AS m ON m.source_id = g.id
  JOIN owo.meter_period AS p ON p.meter_id = m.id ORDER BY 1;
BEGIN;
UPDATE owo.meter_period SET used = used - taken_opening, opening = opening - taken_opening, taken_opening = 0
 WHERE taken_opening > 0 AND opening > taken_opening;
SELECT expected, actual FROM owo_verify();
ROLLBACK;
-- or one that was taken twice
BEGIN;
UPDATE owo.meter_period SET taken_opening = taken_opening * 2 WHERE taken_opening > 0 AND opening > taken_opening;
SELECT expected, actual FROM owo_verify();
ROLLBACK;
UPDATE owo.meter_period SET opening = opening + 1 WHERE number = 0 AND used = 5;
SELECT expected, actual FROM owo_verify();
