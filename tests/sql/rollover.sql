-- Rollover: what is left goes on, up to a cap, until it expires, and is spent first.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "plain"}, {"slug": "capped"}, {"slug": "expiring"}, {"slug": "none"}, {"slug": "unlimited"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}]}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [
    {"slug": "plain", "limit": 10, "rollover": true}, {"slug": "capped", "limit": 10, "rollover": true, "maxRollover": 15},
    {"slug": "expiring", "limit": 10, "rollover": true, "rolloverExpiresAfter": "2 months"}, {"slug": "none", "limit": 10},
    {"slug": "unlimited", "rollover": true}, {"slug": "credits", "limit": 10, "rollover": true, "maxRollover": 4}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('sleeper');
CREATE FUNCTION pg_temp.state() RETURNS TABLE (feature text, usage numeric, usage_limit numeric, balance numeric) LANGUAGE sql AS $$
    SELECT feature, (decision).usage, (decision).usage_limit, (decision).balance FROM owo_features('acme') ORDER BY 1
$$;

SELECT count(*) FROM unnest(ARRAY['plain', 'capped', 'expiring', 'none', 'unlimited']) AS f, owo_track('acme', f, 4) AS d WHERE d.allowed;
SELECT allowed FROM owo_track('acme', 'images', 2);
SELECT * FROM pg_temp.state();
SELECT owo_clock_set('2027-02-10 00:00+00');
SELECT * FROM pg_temp.state();
-- rollover before allowance
SELECT usage, usage_limit, balance FROM owo_track('acme', 'plain', 7);
SELECT ordinal, source, period_start, granted, used, remaining, applied FROM owo_explain('acme', 'plain') ORDER BY ordinal;
SELECT owo_clock_set('2027-03-10 00:00+00');
SELECT * FROM pg_temp.state();
SELECT ordinal, source, granted, used, remaining FROM owo_explain('acme', 'expiring') WHERE applied ORDER BY ordinal;
-- January's rest, two months after its end
SELECT owo_clock_set('2027-04-10 00:00+00');
SELECT * FROM pg_temp.state();
-- whole or not at all, across rollover and allowance
SELECT allowed, code, usage, balance FROM owo_track('acme', 'capped', 26);
SELECT allowed, code, usage, balance FROM owo_track('acme', 'capped', 25);
SELECT allowed, code FROM owo_track('acme', 'capped', 1);
-- returns go back where they came from, last first
SELECT usage, balance FROM owo_track('acme', 'capped', -12);
SELECT source, used, remaining FROM owo_explain('acme', 'capped') WHERE applied ORDER BY ordinal;
SELECT owo_clock_set('2027-05-10 00:00+00');
SELECT * FROM pg_temp.state();
-- nobody asked for two years: as if it had been asked each month
SELECT owo_clock_set('2029-05-10 00:00+00');
SELECT feature, (decision).balance FROM owo_features('acme') ORDER BY 1;
SELECT feature, (decision).balance FROM owo_features('sleeper') ORDER BY 1;
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT feature, (decision).balance FROM owo_features('acme') ORDER BY 1;
SELECT * FROM owo_verify();
