-- Who comes back to a meter within its period finds there what was used before: used units count once, whatever the meters in between.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "images"}, {"slug": "words"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}, {"feature": "words", "creditCost": 1}]}],
  "plans": [
    {"slug": "month", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 100}, {"slug": "credits", "limit": 100}]},
    {"slug": "week", "planGroup": "main", "features": [{"slug": "calls", "limit": 100, "reset": "weekly"}, {"slug": "credits", "limit": 100, "reset": "weekly"}]},
    {"slug": "day", "planGroup": "main", "features": [{"slug": "calls", "limit": 100, "reset": "daily"}, {"slug": "credits", "limit": 100, "reset": "daily"}]},
    {"slug": "none", "planGroup": "main"}]}') -> 'success';
CREATE FUNCTION pg_temp.used(customer text) RETURNS TABLE (calls numeric, credits numeric) LANGUAGE sql AS $$
    SELECT (owo_check(customer, 'calls', 0)).usage, (owo_check(customer, 'images', 0)).usage $$;
CREATE FUNCTION pg_temp.go(customer text, plan text) RETURNS TABLE (code text, calls numeric, credits numeric) LANGUAGE sql AS $$
    SELECT a.code, u.* FROM owo_attach(customer, plan, timing => 'now') AS a, pg_temp.used(CASE WHEN a.success THEN customer END) AS u $$;

SELECT key FROM owo_customer('acme');
SELECT allowed FROM owo_track('acme', 'calls', 5);
SELECT allowed FROM owo_track('acme', 'images', 5);
SELECT owo_clock_set('2027-01-02 00:00+00');
SELECT * FROM pg_temp.go('acme', 'week');
SELECT allowed FROM owo_track('acme', 'calls', 2);
SELECT allowed FROM owo_track('acme', 'words', 3);
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM pg_temp.go('acme', 'month');
-- and again, and over a third meter
SELECT * FROM pg_temp.go('acme', 'week');
SELECT allowed FROM owo_track('acme', 'calls', 1);
SELECT * FROM pg_temp.go('acme', 'day');
SELECT allowed FROM owo_track('acme', 'words', 1);
SELECT * FROM pg_temp.go('acme', 'month');
SELECT * FROM owo_verify();

-- each feature gives back its own part of the pool, wherever it drew it, and once
SELECT usage FROM owo_track('acme', 'images', -6);
SELECT usage FROM owo_track('acme', 'words', -5);
SELECT usage FROM owo_track('acme', 'images', -4);
SELECT * FROM pg_temp.go('acme', 'week');
SELECT usage FROM owo_track('acme', 'images', -2);
SELECT usage FROM owo_track('acme', 'images', -1);
SELECT usage FROM owo_track('acme', 'calls', -8);
SELECT * FROM pg_temp.go('acme', 'month');
SELECT usage FROM owo_track('acme', 'calls', -1);

-- holds follow: each is counted once on the meter that counts, and gives back on all
SELECT reservation AS first FROM owo_reserve('acme', 'calls', 10) \gset
SELECT * FROM pg_temp.go('acme', 'week');
SELECT reservation AS second FROM owo_reserve('acme', 'images', 10) \gset
SELECT * FROM pg_temp.go('acme', 'month');
SELECT * FROM pg_temp.go('acme', 'week');
SELECT usage FROM owo_settle(:'first', 4);
SELECT usage FROM owo_release(:'second');
SELECT * FROM pg_temp.go('acme', 'month');
SELECT usage FROM owo_track('acme', 'calls', -5);
SELECT usage FROM owo_track('acme', 'calls', -4);
SELECT usage FROM owo_track('acme', 'calls', -1);

-- a week that has ended stays where it was; its month goes on
SELECT usage FROM owo_track('acme', 'calls', 6);
SELECT * FROM pg_temp.go('acme', 'week');
SELECT usage FROM owo_track('acme', 'calls', 1);
SELECT owo_clock_set('2027-01-09 00:00+00');
SELECT * FROM pg_temp.used('acme');
SELECT usage FROM owo_track('acme', 'calls', 3);
SELECT * FROM pg_temp.go('acme', 'month');

-- meters that a plan without the feature leaves running come together
SELECT * FROM pg_temp.go('acme', 'week');
SELECT code FROM owo_attach('acme', 'none', timing => 'now');
SELECT * FROM pg_temp.go('acme', 'day');

-- what a late event adds to the meter that was left is not forgotten there
SELECT key FROM owo_customer('late');
SELECT allowed FROM owo_track('late', 'calls', 5);
SELECT owo_clock_set('2027-01-10 06:00+00');
SELECT * FROM pg_temp.go('late', 'day');
SELECT allowed FROM owo_track('late', 'calls', 2);
SELECT usage FROM owo_track('late', 'calls', 3, occurred_at => '2027-01-09 03:00+00');
SELECT * FROM pg_temp.used('late');
SELECT * FROM pg_temp.go('late', 'month');

-- scheduled: counted from its date on, before it is a row and after
SELECT key FROM owo_customer('later');
SELECT allowed FROM owo_track('later', 'calls', 5);
SELECT * FROM pg_temp.go('later', 'week');
SELECT allowed FROM owo_track('later', 'calls', 2);
SET ROLE postgres;
INSERT INTO owo.plan_change (id, customer_id, subscription_id, to_plan_id, effective_at, price_amount, created_at, one_time, billing_interval)
SELECT gen_random_uuid(), s.customer_id, s.id, p.id, '2027-01-11 00:00+00', 0, now(), false, 'monthly'
  FROM owo.subscription AS s JOIN owo.customer AS c ON c.id = s.customer_id, owo.plan AS p
 WHERE c.key = 'later' AND s.status = 'active' AND p.slug = 'month';
UPDATE owo.organization SET clock_at = '2027-01-11 00:00+00' WHERE slug = 'lab';
SET ROLE owo_admin;
SELECT plan FROM owo.subscription_now WHERE customer = 'later' AND status = 'active';
SELECT * FROM pg_temp.used('later');
SELECT usage FROM owo_track('later', 'calls', 1);
SELECT plan FROM owo.subscription_now WHERE customer = 'later' AND status = 'active';

-- folding changes no answer; the proof sees what was carried, and that it was
CREATE TEMP TABLE before AS SELECT c, u.* FROM unnest('{acme,late,later}'::text[]) AS c, pg_temp.used(c) AS u;
SET ROLE postgres;
SELECT * FROM owo_verify();
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM owo.usage_pending) LOOP
        PERFORM owo_worker_tick();
    END LOOP;
END
$$;
SELECT * FROM owo_verify();
SET ROLE owo_admin;
SELECT c, u.* FROM unnest('{acme,late,later}'::text[]) AS c, pg_temp.used(c) AS u EXCEPT SELECT * FROM before;
SELECT * FROM pg_temp.go('late', 'day');
SELECT * FROM pg_temp.go('late', 'month');
SET ROLE postgres;
SET session_replication_role = replica;
ALTER TABLE owo.meter_period DISABLE TRIGGER USER;
BEGIN;
UPDATE owo.meter_period SET carried = carried + 1 WHERE carried = 10;
SELECT regexp_replace(subject, '[0-9a-f-]{36}', '*', 'g'), actual::numeric - expected::numeric AS more FROM owo_verify();
ROLLBACK;
