-- Organizations and the sandbox clock.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
-- default always exists, and is live
SELECT owo_clock_set(now());
SELECT owo_clock_advance('1 day');
SELECT owo_clock_reset();
SELECT slug, name, environment, timezone FROM owo_organization('lab', 'Lab', 'sandbox', 'Europe/Berlin');
-- an environment that is not named stays as it is
SELECT slug, name, environment FROM owo_organization('lab');
SELECT owo_organization('lab', environment => 'live');
SELECT owo_organization('x', environment => 'test');
SELECT owo_organization('x', timezone => 'Mars/Olympus');
SELECT owo_organization('');
SELECT owo_organization(NULL);
SELECT owo_organization(repeat('x', 256));
SELECT grace_days, event_age_days, idempotency_days FROM owo_organization_set('lab', '{"grace_days": 3, "event_age_days": 10}');
SELECT owo_organization_set('lab', '{"grace_days": -1}');
SELECT owo_organization_set('lab', '{"grace_days": "many"}');
SELECT owo_organization_set('lab', '{"colour": "blue"}');
SELECT owo_organization_set('nowhere', '{}');
SELECT owo_organization_set('lab', '[]');

SET owostack.organization = 'lab';
-- without a customer the clock goes anywhere
SELECT owo_clock_set('2027-05-01 00:00+00');
SELECT owo_clock_set('2027-01-31 00:00+00');
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}]}]}') -> 'success';
SELECT created_at FROM owo_customer('acme');
-- with one it never goes back
SELECT owo_clock_set('2027-01-30 23:59:59+00');
SELECT owo_clock_advance('-1 second');
SELECT owo_clock_advance('-1 day');
SELECT owo_clock_advance('0');
-- it stands still between calls, and a month is a month
SELECT owo_clock_advance('1 month');
SELECT owo_clock_advance('1 day 2 hours');
-- parts of an interval go both ways: what counts is where the clock would stand
BEGIN;
SELECT owo_clock_advance('1 month -1 second');
SELECT owo_clock_advance('-1 day +30 hours');
SELECT owo_clock_advance('1 day -30 hours');
ROLLBACK;
SELECT owo_clock_advance('1 day -24 hours');
SELECT owo_clock_set(NULL);
SELECT owo_clock_advance(NULL);
SELECT owo_clock_set('infinity');
SELECT owo_clock_advance('178000000 years');
-- beyond the years that the record has partitions for
SELECT owo_clock_set('12400-09-01 00:00+00');
-- with its transaction
BEGIN;
SELECT owo_clock_advance('1 year');
SELECT (owo_check('acme', 'calls')).resets_at;
ROLLBACK;
SELECT (owo_check('acme', 'calls')).resets_at;
-- an app may not
RESET ROLE;
SELECT owo_clock_advance('1 day');
