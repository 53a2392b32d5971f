-- What rolled over goes with its customer to a plan that counts from another moment or in another rhythm: once, and no longer than its time.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "short"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}]}],
  "plans": [
    {"slug": "free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 10, "rollover": true},
      {"slug": "short", "limit": 10, "rollover": true, "rolloverExpiresAfter": 40}, {"slug": "credits", "limit": 10, "rollover": true}]},
    {"slug": "pro", "planGroup": "main", "price": 2000, "currency": "USD", "features": [{"slug": "calls", "limit": 50, "rollover": true, "maxRollover": 60},
      {"slug": "short", "limit": 50, "rollover": true, "rolloverExpiresAfter": 40}, {"slug": "credits", "limit": 50, "rollover": true}]},
    {"slug": "year", "planGroup": "main", "price": 90000, "currency": "USD", "interval": "yearly", "features": [{"slug": "calls", "limit": 900, "reset": "billing_period", "rollover": true}]},
    {"slug": "plain", "planGroup": "main", "features": [{"slug": "calls", "limit": 5}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
CREATE FUNCTION pg_temp.pay(plan text) RETURNS text LANGUAGE sql AS $$
    SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('acme', plan)))
$$;
CREATE FUNCTION pg_temp.state() RETURNS TABLE (feature text, usage numeric, usage_limit numeric, balance numeric, resets_at timestamptz) LANGUAGE sql AS $$
    SELECT feature, (decision).usage, (decision).usage_limit, (decision).balance, (decision).resets_at FROM owo_features('acme') ORDER BY 1
$$;

SELECT code FROM owo_track('acme', 'calls', 4);
SELECT owo_clock_set('2027-03-20 00:00+00');
-- of sixteen that rolled over seven are drawn, and one is held
SELECT usage, usage_limit, balance FROM owo_track('acme', 'calls', 7);
CREATE TEMP TABLE held AS SELECT reservation FROM owo_reserve('acme', 'calls', 1, '1 day');
SELECT code FROM owo_track('acme', 'images', 12);
SELECT * FROM pg_temp.state();

-- an upgrade begins a period now: eight of them go with the customer, the nine unused of the running period do not
SELECT code, type, amount_due FROM owo_attach_preview('acme', 'pro');
SELECT pg_temp.pay('pro');
SELECT * FROM pg_temp.state();
SELECT ordinal, source, granted, used, remaining FROM owo_explain('acme', 'calls') WHERE applied ORDER BY ordinal;
-- what is not needed of a hold comes back to what rolled over
SELECT usage, balance FROM owo_release((SELECT reservation FROM held));
SELECT usage, usage_limit, balance FROM owo_track('acme', 'calls', 12);
SELECT source, granted, used, remaining FROM owo_explain('acme', 'calls') WHERE applied ORDER BY ordinal;

-- a late event would take what has been spent since
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'calls', 1, occurred_at => '2027-02-15 00:00+00');
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'images', 2, occurred_at => '2027-02-15 00:00+00');

-- the rest of January expires forty days after its end, on whichever plan
SELECT owo_clock_set('2027-03-22 00:00+00');
SELECT feature, balance FROM pg_temp.state() WHERE feature = 'short';
SELECT owo_clock_set('2027-04-19 00:00+00');
SELECT feature, balance FROM pg_temp.state() WHERE feature = 'short';

-- another interval; the new plan's cap has acted at the boundary before
SELECT owo_clock_set('2027-05-25 00:00+00');
SELECT * FROM pg_temp.state() WHERE feature = 'calls';
SELECT pg_temp.pay('year');
SELECT * FROM pg_temp.state() WHERE feature = 'calls';
SELECT usage, usage_limit, balance FROM owo_track('acme', 'calls', 61);
SELECT source, granted, used, remaining FROM owo_explain('acme', 'calls') WHERE applied ORDER BY ordinal;

-- a plan that keeps nothing has nothing of it
SELECT code FROM owo_attach('acme', 'plain', timing => 'now');
SELECT * FROM pg_temp.state() WHERE feature = 'calls';

-- a switch gives the same before it is a row and after
SELECT key FROM owo_customer('late');
SELECT owo_clock_set('2027-07-25 00:00+00');
SELECT balance FROM owo_check('late', 'calls', 0);
SELECT code, type, effective_at FROM owo_attach('late', 'year', timing => 'period_end');
SET ROLE postgres;
UPDATE owo.organization SET clock_at = '2027-08-26 00:00+00' WHERE slug = 'lab';
SET ROLE owo_admin;
SELECT usage, usage_limit, balance FROM owo_check('late', 'calls', 0);
SELECT usage, usage_limit, balance FROM owo_track('late', 'calls', 1);
SELECT usage, usage_limit, balance FROM owo_check('late', 'calls', 0);

-- where periods go on, a late event of a plan that keeps nothing leaves what the next plan has spent of the rest
SELECT key FROM owo_customer('kept');
SELECT code FROM owo_attach('kept', 'plain', timing => 'now');
SELECT owo_clock_set('2027-09-10 00:00+00');
SELECT code FROM owo_attach('kept', 'free', timing => 'now');
SELECT owo_clock_set('2027-09-27 00:00+00');
SELECT usage, usage_limit, balance FROM owo_track('kept', 'calls', 8);
SELECT allowed, code, balance FROM owo_track('kept', 'calls', 3, occurred_at => '2027-09-05 00:00+00');
SELECT allowed, code, balance FROM owo_track('kept', 'calls', 2, occurred_at => '2027-09-05 00:00+00');
SELECT usage, usage_limit, balance FROM owo_check('kept', 'calls', 0);
SELECT allowed, code FROM owo_track('kept', 'calls', 1, occurred_at => '2027-09-15 00:00+00');

-- folding changes no answer
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.state();
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM before EXCEPT SELECT * FROM pg_temp.state();
SELECT usage, usage_limit, balance FROM owo_check('late', 'calls', 0);
SELECT * FROM owo_verify();

-- another rhythm of the same plan, from the end of the running period on: what had rolled over by then stays
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "short"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}]}],
  "plans": [
    {"slug": "free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 10, "rollover": true, "reset": "weekly"},
      {"slug": "short", "limit": 10, "rollover": true, "rolloverExpiresAfter": 40}, {"slug": "credits", "limit": 10, "rollover": true}]}]}') -> 'success';
SELECT usage, usage_limit, balance, resets_at, reset_interval FROM owo_check('kept', 'calls', 0);
SELECT owo_clock_set('2027-10-27 00:00+00');
SELECT usage, usage_limit, balance, resets_at, reset_interval FROM owo_check('kept', 'calls', 0);
SELECT usage, usage_limit, balance FROM owo_track('kept', 'calls', 8);
-- a late event of the months before leaves what has been spent since
SELECT allowed, code, balance FROM owo_track('kept', 'calls', 3, occurred_at => '2027-10-20 00:00+00');
SELECT allowed, code, balance FROM owo_track('kept', 'calls', 2, occurred_at => '2027-10-20 00:00+00');
SELECT owo_clock_set('2027-11-02 00:00+00');
SELECT usage, usage_limit, balance, resets_at FROM owo_check('kept', 'calls', 0);
SELECT * FROM owo_verify();
