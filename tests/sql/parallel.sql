-- Checks inside parallel plans answer as outside, cold and warm, and write nothing.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "sso", "type": "boolean"}], "plans": [
    {"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}, {"slug": "sso"}]}]}') -> 'success';
SET ROLE postgres;
CREATE TABLE account (id int, customer text);
INSERT INTO account SELECT n, 'customer ' || n % 20 FROM generate_series(1, 2000) n;
ANALYZE account;
GRANT SELECT ON account TO owo_app;
RESET ROLE;
SELECT count(*) FROM (SELECT owo_customer('customer ' || n) FROM generate_series(0, 9) n) AS made;
SELECT count(*) FROM (SELECT owo_track('customer 0', 'calls', 10), owo_track('customer 1', 'calls', 4)) AS used;

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(set_config(name, 'on', false))
FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');

-- a parallel plan it is
EXPLAIN (COSTS OFF) SELECT count(*) FROM account WHERE owo_allowed(customer, 'calls');
-- cold in each worker, then warm
BEGIN READ ONLY;
SELECT count(*) FROM account WHERE owo_allowed(customer, 'calls');
SELECT count(*) FROM account WHERE owo_allowed(customer, 'sso');
SELECT (owo_check(customer, 'calls')).code AS code, count(*) FROM account GROUP BY 1 ORDER BY 1;
SELECT sum(owo_limit(customer, 'calls')) FROM account;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;
-- the caller's own uncommitted usage counts in its workers too
BEGIN;
SELECT balance FROM owo_track('customer 1', 'calls', 6);
SELECT count(*) FROM account WHERE owo_allowed(customer, 'calls');
SELECT count(*) FROM account WHERE customer = 'customer 1' AND owo_allowed(customer, 'calls');
ROLLBACK;
SELECT count(*) FROM account WHERE customer = 'customer 1' AND owo_allowed(customer, 'calls');
-- functions that write are not for parallel plans
SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE p.proname LIKE 'owo\_%' AND p.provolatile = 'v' AND p.proparallel = 's';
