-- Row security that asks the plan: a settable current customer as PostgREST and Supabase have it, policies with
-- owo_allowed, and a table that is enforced as well.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "reports", "type": "entity"}, {"slug": "archive", "type": "boolean"}, {"slug": "reads"}],
  "plans": [{"slug": "free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "reports", "limit": 2}, {"slug": "reads", "limit": 3}]},
            {"slug": "pro", "planGroup": "main", "price": 900, "currency": "USD",
             "features": [{"slug": "reports", "limit": 5}, {"slug": "reads", "limit": 10}, {"slug": "archive"}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');

-- the recipe: one function for who asks, one for what the plan says of them
SET ROLE postgres;
CREATE SCHEMA app AUTHORIZATION owo_app;
GRANT USAGE ON SCHEMA app TO owo_nobody, owo_reader;
RESET ROLE;
CREATE FUNCTION app.customer() RETURNS text LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org_id'
$$;
CREATE FUNCTION app.may(feature text, value numeric DEFAULT 1) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT public.owo_allowed(app.customer(), feature, value)
$$;
CREATE TABLE report (id int PRIMARY KEY, org text NOT NULL DEFAULT app.customer(), old boolean NOT NULL DEFAULT false);
INSERT INTO report VALUES (1, 'acme', false), (2, 'acme', true), (3, 'zeta', false);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON report USING (org = (SELECT app.customer()));
CREATE POLICY archive ON report AS RESTRICTIVE FOR SELECT USING (NOT old OR (SELECT app.may('archive')));
CREATE POLICY reading ON report AS RESTRICTIVE FOR SELECT USING ((SELECT app.may('reads')));
GRANT SELECT, INSERT, UPDATE, DELETE ON report TO owo_nobody, owo_reader;
SELECT owo_enforce_table('report', 'reports', 'org', 'id');

-- a role that holds nothing of owostack
SET ROLE owo_nobody;
SELECT id FROM report;
SET request.jwt.claims = '';
SELECT id FROM report;
SET request.jwt.claims = '{"role": "anon"}';
SELECT id FROM report;
INSERT INTO report (id) VALUES (10);
SET request.jwt.claims = '{"org_id": "nobody"}';
SELECT id FROM report;
INSERT INTO report (id) VALUES (10);
SET request.jwt.claims = 'no json';
SELECT id FROM report;
SET request.jwt.claims = '{"org_id": "zeta"}';
SELECT id, app.may('archive') FROM report;
INSERT INTO report (id) VALUES (10);
INSERT INTO report (id) VALUES (11);
INSERT INTO report (id, org) VALUES (11, 'acme');
UPDATE report SET org = 'acme';
SELECT id FROM report ORDER BY 1;
SET request.jwt.claims = '{"org_id": "acme"}';
SELECT id, app.may('archive') FROM report;
INSERT INTO report (id) VALUES (11);
-- what may be read follows the plan at once
SET ROLE owo_admin;
SELECT code FROM owo_attach('acme', 'pro');
SELECT checkout_id AS checkout FROM owo_attach('acme', 'pro') \gset
SELECT status FROM owo_checkout_complete(:'checkout');
SET ROLE owo_nobody;
SELECT id, app.may('archive') FROM report ORDER BY 1;
INSERT INTO report (id) VALUES (11);
DELETE FROM report WHERE id = 2;
SELECT id FROM report ORDER BY 1;
RESET ROLE;
SELECT allowed FROM owo_track('acme', 'reads', 10);
SET ROLE owo_nobody;
SELECT id FROM report;
-- reading writes nothing
BEGIN READ ONLY;
SET LOCAL request.jwt.claims = '{"org_id": "zeta"}';
SELECT id FROM report ORDER BY 1;
COMMIT;

-- what it costs: each question is asked once for a statement; what is asked once is spelled as Postgres 17 does
RESET ROLE;
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        RETURN NEXT regexp_replace(regexp_replace(line, ' \(returns \$\d+\)', ''), '\$\d+|\(InitPlan \d+\)\.col1', '(InitPlan).col1', 'g');
    END LOOP;
END
$$;
SET ROLE owo_nobody;
SET request.jwt.claims = '{"org_id": "zeta"}';
SELECT * FROM pg_temp.plan('SELECT id FROM report');
RESET ROLE;
SELECT entity FROM owo_entities('acme') ORDER BY 1;
SELECT entity FROM owo_entities('zeta') ORDER BY 1;

-- a role that may call owo_allowed asks it in its own policy, also for each row
CREATE TABLE page (id int, org text);
INSERT INTO page VALUES (1, 'acme'), (2, 'zeta'), (3, NULL), (4, 'nobody');
ALTER TABLE page ENABLE ROW LEVEL SECURITY;
CREATE POLICY plan ON page USING (owo_allowed(org, 'archive'));
GRANT SELECT ON page TO owo_reader, owo_nobody;
SET ROLE owo_reader;
SELECT id FROM page;
SELECT * FROM pg_temp.plan('SELECT id FROM page');
-- and one that may not is told
SET ROLE owo_nobody;
SELECT id FROM page;
SET ROLE owo_admin;
SELECT * FROM owo_verify();
