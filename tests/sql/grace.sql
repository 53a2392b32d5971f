-- Days of grace act at once, also on who is past due already: what was decided by them is not stored.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "pro", "price": 900, "currency": "USD", "features": [{"slug": "calls", "limit": 10}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('acme', 'pro')));
SET ROLE postgres;
UPDATE owo.subscription SET status = 'past_due', past_due_since = '2027-01-10 00:00+00';
SET ROLE owo_admin;
SELECT code FROM owo_check('acme', 'calls');
SELECT owo_clock_set('2027-01-16 23:59+00');
SELECT code FROM owo_track('acme', 'calls');
SELECT grace_days FROM owo_organization_set('lab', '{"grace_days": 3}');
SELECT code FROM owo_check('acme', 'calls');
SELECT code FROM owo_track('acme', 'calls');
SELECT owo_allowed('acme', 'calls');
SELECT grace_days FROM owo_organization_set('lab', '{"grace_days": 30}');
SELECT code FROM owo_track('acme', 'calls');
SELECT owo_clock_set('2027-02-08 23:59+00');
SELECT code FROM owo_check('acme', 'calls');
SELECT owo_clock_set('2027-02-09 00:00+00');
SELECT code FROM owo_check('acme', 'calls');
-- a changed setting that is rolled back never was
BEGIN;
SELECT grace_days FROM owo_organization_set('lab', '{"grace_days": 60}');
SELECT code FROM owo_check('acme', 'calls');
ROLLBACK;
SELECT code FROM owo_check('acme', 'calls');
