-- Periods: numbered from an anchor, clamped at a month's end, in the customer's zone; nothing runs at a reset.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-31 09:00+00');
SELECT owo_sync('{
  "features": [{"slug": "monthly"}, {"slug": "calendar"}, {"slug": "daily"}, {"slug": "weekly"}, {"slug": "week"}, {"slug": "quarter"}, {"slug": "year"}, {"slug": "hour"},
               {"slug": "five"}, {"slug": "once"}, {"slug": "day"}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [
    {"slug": "monthly", "limit": 10}, {"slug": "calendar", "limit": 10, "resetAnchor": "calendar"}, {"slug": "daily", "limit": 10, "reset": "daily"},
    {"slug": "day", "limit": 10, "reset": "daily", "resetAnchor": "calendar"}, {"slug": "weekly", "limit": 10, "reset": "weekly"},
    {"slug": "week", "limit": 10, "reset": "weekly", "resetAnchor": "calendar"}, {"slug": "quarter", "limit": 10, "reset": "quarterly"},
    {"slug": "year", "limit": 10, "reset": "yearly"}, {"slug": "hour", "limit": 10, "reset": "hourly"}, {"slug": "five", "limit": 10, "reset": "5min"},
    {"slug": "once", "limit": 10, "reset": "never"}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('berlin', timezone => 'Europe/Berlin');
SELECT key FROM owo_customer('nowhere', timezone => 'Mars/Olympus');

SELECT feature, (decision).resets_at, (decision).reset_interval FROM owo_features('acme') ORDER BY 2, 1;
SELECT feature, (decision).resets_at FROM owo_features('berlin') ORDER BY 2, 1;

-- to the limit in each, then boundary by boundary: the instant of the boundary belongs to the next period
SELECT count(*) FROM owo_features('acme') AS f, owo_track('acme', f.feature, 10) AS d WHERE d.allowed;
CREATE FUNCTION pg_temp.fresh() RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(feature ORDER BY feature) FROM owo_features('acme') WHERE (decision).usage = 0
$$;
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-01-31 09:04:59.999999+00'), pg_temp.fresh();
SELECT owo_clock_set('2027-01-31 09:05+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-01-31 10:00+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-01-31 23:59:59.999999+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-02-01 00:00+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-02-01 09:00+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-02-28 08:59:59.999999+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-02-28 09:00+00');
SELECT pg_temp.fresh();
SELECT owo_clock_set('2027-04-30 09:00+00');
SELECT pg_temp.fresh();
-- months from the 31st: clamped, and back to the 31st
SELECT (owo_check('acme', 'monthly')).resets_at;
SELECT owo_clock_set('2027-12-31 09:00+00');
SELECT (owo_check('acme', 'monthly')).resets_at, (owo_check('acme', 'year')).resets_at;
SELECT owo_clock_set('2028-01-31 09:00+00');
SELECT pg_temp.fresh();
SELECT (owo_check('acme', 'monthly')).resets_at AS leap_year;

-- summer time: a local day is 23 hours, and the hour of the anchor stays
SELECT owo_clock_set('2028-03-25 12:00+00');
SELECT feature, (decision).resets_at FROM owo_features('berlin') WHERE feature IN ('daily', 'day', 'weekly', 'week') ORDER BY 1;
SELECT owo_clock_set('2028-03-26 12:00+00');
SELECT feature, (decision).resets_at FROM owo_features('berlin') WHERE feature IN ('daily', 'day', 'weekly', 'week') ORDER BY 1;
-- a long sleep is the same as many short ones
SELECT owo_clock_set('2047-06-15 12:00+00');
SELECT feature, (decision).usage, (decision).resets_at FROM owo_features('acme') ORDER BY 1;
SELECT usage, balance FROM owo_track('acme', 'monthly', 3);
SELECT * FROM owo_verify();
