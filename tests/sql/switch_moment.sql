-- Plans that follow each other while the clock stands still: usage goes from each to the next, whatever ids say.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}],
  "plans": [
    {"slug": "monthly", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 100}]},
    {"slug": "weekly", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 100, "reset": "week"}]},
    {"slug": "quarterly", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 100, "reset": "quarter"}]},
    {"slug": "daily", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 100, "reset": "day"}]},
    {"slug": "yearly", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 100, "reset": "year"}]},
    {"slug": "lasting", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 100, "reset": "never"}]}]}') -> 'success';
-- ids are random: of many customers, some would go wrong
CREATE FUNCTION pg_temp.everybody(asked text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM generate_series(1, 16) AS n,
        LATERAL (SELECT (owo_attach(n::text, asked, timing => 'now')).success) AS a,
        LATERAL (SELECT (owo_track(n::text, 'calls')).allowed) AS t
     WHERE success AND allowed
$$;
CREATE FUNCTION pg_temp.usage() RETURNS TABLE (customers bigint, usage numeric, balance numeric) LANGUAGE sql AS $$
    SELECT count(*), d.usage, d.balance FROM generate_series(1, 16) AS n, owo_check(n::text, 'calls', 0) AS d GROUP BY 2, 3 ORDER BY 2, 3
$$;
SELECT count((owo_customer(n::text)).key) FROM generate_series(1, 16) AS n;
SELECT pg_temp.everybody('monthly');
-- a change that falls due in the moment in which another one is asked for
SELECT count((owo_attach(n::text, 'quarterly', timing => 'period_end')).code) FROM generate_series(1, 16) AS n;
SET ROLE postgres;
UPDATE owo.organization SET clock_at = '2027-02-01 00:00+00' WHERE slug = 'lab';
SET ROLE owo_admin;
SELECT pg_temp.everybody('weekly');
SELECT * FROM pg_temp.usage();
-- each counts one more, and what was counted goes along
SELECT pg_temp.everybody(p) FROM unnest('{daily,yearly,weekly,monthly,daily}'::text[]) AS p;
SELECT * FROM pg_temp.usage();
-- who leaves and comes back goes on from the last of them
SELECT count((owo_cancel(n::text, 'daily', at_period_end => false)).status) FROM generate_series(1, 16) AS n;
SELECT owo_clock_set('2027-02-01 01:00+00');
SELECT pg_temp.everybody('lasting');
SELECT * FROM pg_temp.usage();
SELECT * FROM owo_verify();
