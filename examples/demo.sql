-- The main job in one sitting: a catalog, a customer, checks, usage up to the limit, a rollback, seats, a paid plan,
-- a month passing. Run by "make demo"; by hand: psql -d <database with the extension> -f examples/demo.sql
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set catalog `cat examples/owostack-sync.json`
\set ECHO queries

\echo
\echo '-- 1. A catalog: features, credit systems and plans from one JSON document -------------------------'
\echo '--    in a sandbox organization, whose clock we may set'
SELECT slug, environment FROM owo_organization('demo', 'Demo', 'sandbox');
SET owostack.organization = 'demo';
SELECT owo_clock_set('2027-01-31 09:00+00');
\unset ECHO
SELECT r -> 'success' AS success, r #> '{features,created}' AS features, r #> '{plans,created}' AS plans FROM owo_sync(:'catalog') AS r;
\set ECHO queries
SELECT slug, plan_group, price, currency, billing_interval, trial_days, is_addon FROM owo_plans();

\echo
\echo '-- 2. A customer; the free plan is attached by itself ----------------------------------------------'
SELECT key, email, name FROM owo_customer('acme', 'ops@acme.test', 'Acme');
SELECT feature, type, (decision).allowed, (decision).code, (decision).usage_limit, (decision).resets_at FROM owo_features('acme');

\echo
\echo '-- 3. May this customer? A check answers and writes nothing ----------------------------------------'
SELECT allowed, code, usage, usage_limit, balance, resets_at FROM owo_check('acme', 'api-calls');
SELECT owo_allowed('acme', 'analytics') AS may_see_analytics;

\echo
\echo '-- 4. They did: usage is counted in your transaction, up to the limit -------------------------------'
SELECT allowed, code, usage, balance FROM owo_track('acme', 'api-calls', 95);

\echo
\echo '--    usage rolls back with the work it belongs to'
BEGIN;
SELECT allowed, code, usage, balance FROM owo_track('acme', 'api-calls', 5);
ROLLBACK;
SELECT allowed, code, usage, balance FROM owo_check('acme', 'api-calls');

\echo
\echo '--    five more fit, a sixth does not: a denial is a row'
SELECT allowed, code, usage, balance FROM owo_track('acme', 'api-calls', 5);
SELECT allowed, code, usage, balance FROM owo_track('acme', 'api-calls', 1);

\echo
\echo '-- 5. Seats: one on the free plan, and no second --------------------------------------------------'
SELECT entity, status, count, usage_limit, remaining FROM owo_entity_add('acme', 'seats', 'ada@acme.test', 'Ada');
\set ON_ERROR_STOP off
SELECT entity FROM owo_entity_add('acme', 'seats', 'bob@acme.test', 'Bob');
\set ON_ERROR_STOP on

\echo
\echo '-- 6. A paid plan: nothing changes until the money is there ---------------------------------------'
SELECT code, type, requires_checkout, status, amount_due, currency, checkout_id FROM owo_attach('acme', 'scale') \gset attach_
SELECT :'attach_code' AS code, :'attach_type' AS type, :'attach_status' AS status, :'attach_amount_due' AS amount_due, :'attach_currency' AS currency;
SELECT owo_allowed('acme', 'analytics') AS before_payment;
SELECT kind, status FROM owo_checkout_complete(:'attach_checkout_id', 'bank transfer 4711');
SELECT owo_allowed('acme', 'analytics') AS after_payment;
SELECT count, usage_limit FROM owo_entity_add('acme', 'seats', 'bob@acme.test', 'Bob');
SELECT allowed, code, usage, usage_limit, balance FROM owo_check('acme', 'api-calls');

\echo
\echo '--    credits: one gpt-4 call costs 20 of the 5000 that the plan has each month'
SELECT allowed, code, balance, credits -> 'plan' AS plan_credits FROM owo_track('acme', 'gpt-4', 3);

\echo
\echo '--    a pack of credits on top, paid by hand; plan credits are spent first'
SELECT requires_checkout, credits, checkout_id FROM owo_addon('acme', 'starter-pack', quantity => 2) \gset pack_
SELECT kind, status, amount, currency FROM owo_checkout_complete(:'pack_checkout_id', 'bank transfer 4712');
SELECT source, granted, used, remaining, expires_at FROM owo_credits('acme');

\echo
\echo '-- 7. A month passes: the sandbox clock moves, nothing has to run at midnight -----------------------'
SELECT balance, resets_at FROM owo_check('acme', 'gpt-4');
SELECT owo_clock_advance('1 month');
SELECT balance, resets_at FROM owo_check('acme', 'gpt-4');

\echo
\echo '-- 8. A table that you already have obeys the plan: rows are seats, whoever writes them --------------'
CREATE TABLE project (id text PRIMARY KEY, org_id text NOT NULL, name text);
SELECT owo_sync('{"features": [{"slug": "projects", "type": "entity", "default": 2}]}') ->> 'success' AS synced;
SELECT owo_enforce_table('project', 'projects', 'org_id', 'id');
INSERT INTO project VALUES ('p1', 'acme', 'Apollo'), ('p2', 'acme', 'Gemini');
\set ON_ERROR_STOP off
INSERT INTO project VALUES ('p3', 'acme', 'Mercury');
\set ON_ERROR_STOP on
DELETE FROM project WHERE id = 'p1';
INSERT INTO project VALUES ('p3', 'acme', 'Mercury');
SELECT feature, usage, usage_limit FROM owo.balance_now WHERE customer = 'acme' AND feature = 'projects';

\echo
\echo '--    and a policy asks the plan: only who has analytics sees reports'
CREATE TABLE report (org_id text, title text);
INSERT INTO report VALUES ('acme', 'Usage in May'), ('small', 'Usage in May');
SELECT key FROM owo_customer('small');
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_plan ON report USING (org_id = current_setting('app.customer') AND owo_allowed(org_id, 'analytics'));
CREATE ROLE demo_app;
GRANT SELECT ON report TO demo_app;
SELECT owo_grant_role('demo_app', 'reader', 'demo');
SET ROLE demo_app;
SET app.customer = 'acme';
SELECT count(*) AS acme_sees FROM report;
SET app.customer = 'small';
SELECT count(*) AS small_sees FROM report;
RESET ROLE;

\echo
\echo '-- 9. What was used, from the record that every unit is in -----------------------------------------'
SELECT owo_worker_tick() IS NOT NULL AS folded;
SELECT feature, source, sum(quantity) AS units, min(at) AS first, max(at) AS last FROM owo.usage WHERE customer = 'acme' GROUP BY feature, source ORDER BY feature;
SELECT count(*) AS differences_found FROM owo_verify();
