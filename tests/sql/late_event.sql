-- occurred_at: an event belongs to the period it happened in, and cannot take what that period no longer has.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "rolling"}], "plans": [{"slug": "base", "autoEnable": true, "features": [
    {"slug": "calls", "limit": 10}, {"slug": "rolling", "limit": 10, "rollover": true}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT allowed FROM owo_track('acme', 'calls', 7);
SELECT allowed FROM owo_track('acme', 'rolling', 7);
SELECT owo_clock_set('2027-02-12 00:00+00');

-- now, a little ahead, and too far
SELECT usage FROM owo_track('acme', 'calls', 1, occurred_at => '2027-02-12 00:00+00');
SELECT usage FROM owo_track('acme', 'calls', 1, occurred_at => '2027-02-12 00:05+00');
SELECT owo_track('acme', 'calls', 1, occurred_at => '2027-02-12 00:05:00.000001+00');
SELECT owo_track('acme', 'calls', 1, occurred_at => 'infinity');
SELECT owo_track('acme', 'calls', 1, occurred_at => '-infinity');
-- the running period's first instant
SELECT usage FROM owo_track('acme', 'calls', 1, occurred_at => '2027-02-10 00:00+00');
-- the period before: its own meter
SELECT allowed, code, usage, balance FROM owo_track('acme', 'calls', 2, occurred_at => '2027-02-09 23:59:59+00');
SELECT allowed, code, usage, balance FROM owo_track('acme', 'calls', 2, occurred_at => '2027-02-09 23:59:59+00');
SELECT allowed, code, usage, balance FROM owo_track('acme', 'calls', 1, occurred_at => '2027-02-01 00:00+00');
SELECT usage, balance FROM owo_check('acme', 'calls');
-- where the rest has rolled over, it is taken from there too
SELECT usage, usage_limit, balance FROM owo_check('acme', 'rolling');
SELECT allowed, code FROM owo_track('acme', 'rolling', 2, occurred_at => '2027-02-01 00:00+00');
SELECT usage, usage_limit, balance FROM owo_check('acme', 'rolling');
SELECT allowed FROM owo_track('acme', 'rolling', 1);
SELECT allowed, code FROM owo_track('acme', 'rolling', 1, occurred_at => '2027-02-01 00:00+00');
SELECT usage, usage_limit, balance FROM owo_check('acme', 'rolling');
-- returns of then
SELECT allowed, usage FROM owo_track('acme', 'calls', -3, occurred_at => '2027-02-01 00:00+00');
SELECT owo_track('acme', 'calls', -20, occurred_at => '2027-02-01 00:00+00');
-- too old: 35 days, unless the organization says otherwise
SELECT allowed FROM owo_track('acme', 'calls', 0, occurred_at => '2027-01-08 00:00+00');
SELECT owo_track('acme', 'calls', 1, occurred_at => '2027-01-07 23:59:59+00');
SELECT event_age_days FROM owo_organization_set('lab', '{"event_age_days": 60}');
SELECT allowed, code FROM owo_track('acme', 'calls', 1, occurred_at => '2027-01-07 23:59:59+00');
-- the record keeps when it happened
SELECT feature, quantity, at FROM owo.usage ORDER BY at, feature, quantity;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT feature, quantity, at FROM owo.usage ORDER BY at, feature, quantity;
SELECT * FROM owo_verify();
