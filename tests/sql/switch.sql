-- What a switch does to counts and periods.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'shop';
SELECT owo_clock_set('2025-01-31 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "life"}, {"slug": "cal"}, {"slug": "fresh"}, {"slug": "lost"}],
  "creditSystems": [{"slug": "coins", "features": [{"feature": "lost", "creditCost": 2}]}],
  "plans": [
    {"slug": "free", "name": "Free", "planGroup": "main", "autoEnable": true, "features": [
       {"slug": "calls", "limit": 100}, {"slug": "life", "limit": 10, "reset": "never"}, {"slug": "cal", "limit": 10, "resetAnchor": "calendar"},
       {"slug": "fresh", "limit": 10}, {"slug": "coins", "limit": 20}]},
    {"slug": "pro", "name": "Pro", "price": 2000, "currency": "USD", "planGroup": "main", "features": [
       {"slug": "calls", "limit": 1000}, {"slug": "life", "limit": 20, "reset": "never"}, {"slug": "cal", "limit": 20, "resetAnchor": "calendar"},
       {"slug": "fresh", "limit": 20, "resetOnEnable": true}]},
    {"slug": "max", "name": "Max", "price": 5000, "currency": "USD", "planGroup": "main", "features": [
       {"slug": "calls", "limit": 5000}, {"slug": "fresh", "limit": 50, "resetOnEnable": true}, {"slug": "coins", "limit": 50}]},
    {"slug": "year", "name": "Year", "price": 90000, "currency": "USD", "interval": "yearly", "planGroup": "main", "features": [
       {"slug": "calls", "limit": 9000, "reset": "billing_period"}, {"slug": "life", "limit": 30, "reset": "never"}]}
  ]}') -> 'success';

CREATE FUNCTION pg_temp.pay(plan text, timing text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('acme', plan, timing => timing))) $$;
CREATE FUNCTION pg_temp.used() RETURNS TABLE (feature text, usage numeric, usage_limit numeric, resets_at timestamptz) LANGUAGE sql AS $$
  SELECT f, (d).usage, (d).usage_limit, (d).resets_at
    FROM (SELECT f, owo_check('acme', f) AS d FROM unnest('{calls,life,cal,fresh,lost}'::text[]) AS f) AS x $$;

SELECT key FROM owo_customer('acme');
SELECT code FROM owo_track('acme', 'calls', 80);
SELECT code FROM owo_track('acme', 'life', 7);
SELECT code FROM owo_track('acme', 'cal', 5);
SELECT code FROM owo_track('acme', 'fresh', 6);
SELECT code FROM owo_track('acme', 'lost', 4);
SELECT * FROM pg_temp.used();

-- free to paid: a whole period is paid and begins now, what was used is carried into it
SELECT owo_clock_set('2025-02-10 00:00+00');
SELECT code, type, amount_due FROM owo_attach_preview('acme', 'pro');
SELECT pg_temp.pay('pro');
SELECT * FROM pg_temp.used();
SELECT kind, quantity, units FROM owo.usage_pending WHERE kind = 'carry' ORDER BY quantity, subject_id;
-- the record of usage does not grow by it
SELECT feature, sum(quantity) FROM owo.usage WHERE customer = 'acme' GROUP BY feature ORDER BY feature;

-- paid to more: the period goes on, and the count with it, but for what asked for a fresh one
SELECT code FROM owo_track('acme', 'fresh', 3);
SELECT owo_clock_set('2025-02-24 00:00+00');
SELECT amount_due, type FROM owo_attach_preview('acme', 'max');
SELECT pg_temp.pay('max');
SELECT * FROM pg_temp.used();

-- less again at the end of the period: nothing to carry, a new period
SELECT code, effective_at FROM owo_attach('acme', 'pro');
SELECT owo_clock_set('2025-03-09 23:59:59+00');
SELECT code FROM owo_track('acme', 'calls', 20);
SELECT owo_clock_advance('1 second');
SELECT * FROM pg_temp.used();

-- below what is used: the use stays, the next request fails
SELECT code FROM owo_track('acme', 'calls', 900);
SELECT code, effective_at FROM owo_attach('acme', 'free', timing => 'now');
SELECT feature, usage, usage_limit FROM pg_temp.used();
SELECT code, allowed FROM owo_check('acme', 'calls');

-- another interval: the new period starts at the switch
SELECT owo_clock_set('2025-03-20 00:00+00');
SELECT pg_temp.pay('year');
SELECT * FROM pg_temp.used();

-- coming back paid: a fresh count; coming back free: the group's goes on
SELECT status FROM owo_cancel('acme', 'year', at_period_end => false);
SELECT feature, usage, usage_limit FROM pg_temp.used();
SELECT code FROM owo_attach('acme', 'free');
SELECT feature, usage, usage_limit FROM pg_temp.used();
SELECT status FROM owo_cancel('acme', 'free', at_period_end => false);
SELECT pg_temp.pay('pro');
SELECT feature, usage, usage_limit FROM pg_temp.used();

-- a switch counts from its date on, before it is a row and after
SELECT key FROM owo_customer('late');
SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('late', 'pro')));
SELECT code FROM owo_track('late', 'life', 9);
SELECT code, type, effective_at FROM owo_attach('late', 'year', timing => 'period_end');
SET ROLE postgres;
UPDATE owo.organization SET clock_at = '2025-05-01 00:00+00' WHERE slug = 'shop';
SET ROLE owo_admin;
SELECT usage, usage_limit FROM owo_check('late', 'life');
SELECT plan, status FROM owo.subscription_now WHERE customer = 'late' AND status = 'active';
SELECT usage, usage_limit FROM owo_track('late', 'life', 1);
SELECT plan, status, period_start, period_end FROM owo.subscription_now WHERE customer = 'late' AND status = 'active';
SELECT usage, usage_limit FROM owo_check('late', 'life');
SELECT code, usage FROM owo_track('late', 'life', 21);

-- folding changes no answer, whether we or the background worker do it
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.used();
SET ROLE postgres;
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM owo.usage_pending) LOOP
        PERFORM owo_worker_tick();
    END LOOP;
END
$$;
SELECT count(*) > 0 AS has_folded FROM owo.usage_event;
SET ROLE owo_admin;
SELECT * FROM before EXCEPT SELECT * FROM pg_temp.used();
SET ROLE postgres;
SELECT * FROM owo_verify();
