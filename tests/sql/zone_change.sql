-- Periods are numbers (protocol 1): a customer who moves to another zone and back finds what was used of each, never more.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2026-10-31 20:00+00');
SELECT owo_sync('{
  "features": [{"slug": "month"}, {"slug": "day"}, {"slug": "billed"}, {"slug": "minutes"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [
    {"slug": "month", "limit": 10, "resetAnchor": "calendar"}, {"slug": "day", "limit": 3, "reset": "daily", "resetAnchor": "calendar"},
    {"slug": "billed", "limit": 5}, {"slug": "minutes", "limit": 4, "reset": "5min"}]}]}') -> 'success';
CREATE FUNCTION pg_temp.all_of(customer text) RETURNS TABLE (feature text, usage numeric, resets_at timestamptz) LANGUAGE sql AS $$
    SELECT f.feature, (f.decision).usage, (f.decision).resets_at FROM owo_features(customer) AS f ORDER BY 1
$$;
-- already November there
SELECT timezone FROM owo_customer('acme', timezone => 'Pacific/Kiritimati');
SELECT code FROM owo_track('acme', 'month', 10);
SELECT code FROM owo_track('acme', 'day', 3);
SELECT code FROM owo_track('acme', 'billed', 5);
SELECT code FROM owo_track('acme', 'minutes', 4);
SELECT * FROM pg_temp.all_of('acme');
-- still October here: another month and day, the same of everything else
SELECT timezone FROM owo_customer('acme', timezone => 'Pacific/Pago_Pago');
SELECT * FROM pg_temp.all_of('acme');
SELECT code FROM owo_track('acme', 'month', 10);
SELECT code FROM owo_track('acme', 'day', 3);
SELECT code FROM owo_track('acme', 'billed', 1);
SELECT code FROM owo_track('acme', 'minutes', 1);
-- there and back again: both are spent
SELECT timezone FROM owo_customer('acme', timezone => 'Pacific/Kiritimati');
SELECT code FROM owo_track('acme', 'month', 1);
SELECT code FROM owo_track('acme', 'day', 1);
SELECT owo_clock_advance('1 day');
SELECT timezone FROM owo_customer('acme', timezone => 'Pacific/Pago_Pago');
SELECT code, usage FROM owo_track('acme', 'month', 1);
SELECT code, usage FROM owo_check('acme', 'day', 3);
SELECT * FROM owo_verify();
