-- Roles of organization "north" try to see, change or hold up organization "south".
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT slug FROM owo_organization('north');
SELECT slug FROM owo_organization('south');
CREATE ROLE spy_reader;
CREATE ROLE spy_app;
CREATE ROLE spy_admin;
CREATE ROLE spied_admin;
SELECT owo_grant_role('spy_reader', 'reader', 'north');
SELECT owo_grant_role('spy_app', 'app', 'north');
SELECT owo_grant_role('spy_admin', 'admin', 'north');
SELECT owo_grant_role('spied_admin', 'admin', 'south');
GRANT CREATE ON SCHEMA public TO spy_admin, spied_admin;
CREATE FUNCTION pg_temp.fill(organization text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('owostack.organization', organization, true),
            owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}],
              "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
              "creditPacks": [{"slug": "pack", "name": "Pack", "credits": 5, "price": 1, "currency": "USD", "creditSystem": "credits"}],
              "planGroups": [{"slug": "main", "features": ["calls"]}],
              "plans": [{"slug": "base", "planGroup": "main", "autoEnable": true, "trialDays": 3, "features": [{"slug": "calls", "limit": 9}, {"slug": "seats", "limit": 3}, {"slug": "credits", "limit": 50}]},
                        {"slug": "pro", "planGroup": "main", "price": 100, "currency": "USD", "billingCycles": [{"key": "y", "price": 900, "interval": "yearly"}],
                         "features": [{"slug": "calls", "limit": 90}]}]}');
    PERFORM owo_customer('key of ' || organization, organization || '@x.test', 'Name of ' || organization, '{"secret": true}');
    PERFORM owo_track('key of ' || organization, 'calls', 2, metadata => '{"secret": true}', idempotency_key => 'k'),
            owo_track('key of ' || organization, 'images', 2);
    PERFORM owo_worker_tick();
    UPDATE owo.plan_feature SET limit_amount = 8 WHERE limit_amount = 9;
    PERFORM owo_track('key of ' || organization, 'calls'),
            owo_entity_add('key of ' || organization, 'seats', 'seat of ' || organization),
            owo_identity_link('key of ' || organization, 'stripe', 'cus_' || organization),
            owo_override('key of ' || organization, 'calls', usage_limit => 20),
            owo_credit_grant('key of ' || organization, 'credits', 5),
            owo_attach('key of ' || organization, 'pro');
END
$$;
SELECT pg_temp.fill('north');
SELECT pg_temp.fill('south');
SELECT o.id AS south, c.id AS customer, p.id AS plan, f.id AS feature, h.id AS checkout, s.id AS subscription, g.id AS "group", y.id AS system
FROM owo.organization o JOIN owo.customer c ON c.organization_id = o.id JOIN owo.plan p ON p.organization_id = o.id AND p.slug = 'pro'
JOIN owo.feature f ON f.organization_id = o.id AND f.slug = 'calls' JOIN owo.checkout h ON h.customer_id = c.id
JOIN owo.subscription s ON s.customer_id = c.id AND s.status = 'trialing' JOIN owo.plan_group g ON g.organization_id = o.id
JOIN owo.credit_system y ON y.organization_id = o.id WHERE o.slug = 'south' \gset
SELECT id AS own_plan FROM owo.plan WHERE slug = 'pro' AND id <> :'plan' \gset
SELECT id AS own_feature FROM owo.feature WHERE slug = 'images' AND organization_id <> :'south' \gset
SELECT id AS north FROM owo.organization WHERE slug = 'north' \gset

-- what of south can be seen in any table or view: in every readable one, rows that speak of it
CREATE TABLE public.seen (role text, relation text, rows bigint);
GRANT ALL ON public.seen TO PUBLIC;
CREATE FUNCTION public.look(south text, customer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target record;
    found bigint;
BEGIN
    FOR target IN
        SELECT c.oid::regclass AS name FROM pg_class c
        WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(c.oid, 'SELECT')
    LOOP
        EXECUTE format('SELECT count(*) FROM %s AS r WHERE r::text LIKE %L OR r::text LIKE %L OR r::text LIKE ''%%south%%''',
                       target.name, '%' || south || '%', '%' || customer || '%') INTO found;
        INSERT INTO public.seen VALUES (current_user, target.name::text, found);
    END LOOP;
END
$$;
SET ROLE spied_admin;
SELECT look(:'south', :'customer');
SET owostack.organization = 'south';
SELECT look(:'south', :'customer');
SET ROLE spy_reader;
SELECT look(:'south', :'customer');
SET ROLE spy_app;
SELECT look(:'south', :'customer');
SET ROLE spy_admin;
SELECT look(:'south', :'customer');
SET row_security = off;
SELECT * FROM owo.customer;
RESET row_security;
SET ROLE postgres;
-- its own administrator sees rows in most
SELECT count(*) FILTER (WHERE rows > 0) > 20 AS seen FROM (SELECT relation, max(rows) AS rows FROM public.seen WHERE role = 'spied_admin' GROUP BY 1) AS own;
-- the others nothing: zero rows
SELECT * FROM public.seen WHERE role <> 'spied_admin' AND rows > 0;
SELECT role, count(*) > 20 AS relations FROM public.seen GROUP BY 1 ORDER BY 1;

SET ROLE spy_admin;
-- functions that look at rows before row security has judged them see none of south's
CREATE FUNCTION pg_temp.peep(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF value LIKE '%south%' THEN
        RAISE WARNING 'saw %', value;
    END IF;
    RETURN true;
END
$$;
SELECT count(*) FROM owo.customer WHERE pg_temp.peep(email) AND pg_temp.peep(name);
SELECT count(*) FROM owo.organization WHERE pg_temp.peep(slug);
SELECT count(*) FROM owo.usage WHERE pg_temp.peep(organization) AND pg_temp.peep(metadata::text);
SELECT count(*) FROM owo.identity WHERE pg_temp.peep(external_id);

-- the setting opens nothing
SET ROLE spy_admin;
SET owostack.organization = 'south';
SELECT owo_check('key of south', 'calls');
SELECT owo_allowed('key of south', 'calls');
SELECT owo_catalog();
SELECT owo_features('key of south');
SELECT owo_track('key of south', 'calls');
SELECT owo_sync('{}');
SELECT owo_clock_reset();
SELECT owo_organization_set('south', '{"grace_days": 1}');
SELECT owo_checkout_complete(:'checkout');
SELECT count(*) FROM owo.entitlement_now;
SELECT owo._organization();
-- neither do ids of south in its own organization
SET owostack.organization = 'north';
SELECT code FROM owo_check(:'customer', 'calls');
SELECT code FROM owo_check('south@x.test', 'calls');
SELECT code FROM owo_track(:'customer', 'calls');
SELECT count(*) FROM owo_entities(:'customer');
SELECT owo_credit_grant(:'customer', 'credits', 1);
SELECT owo_checkout_get(:'checkout');
SELECT owo_checkout_complete(:'checkout');
SELECT owo_checkout_fail(:'checkout');
SELECT owo_cancel('key of north', 'base', subscription => :'subscription');
SELECT owo_override('key of north', 'calls', usage_limit => 1, subscription => :'subscription');
SELECT owo_override_remove('key of north', 'calls', :'subscription');
SELECT owo_customer_by_identity('stripe', 'cus_south') IS NULL AS nobody;
SELECT owo_identity_unlink(:'customer', 'stripe', 'cus_south');
-- nor is anything taken by south, but an id that is a customer's key in both
SELECT email FROM owo_customer('key of south', 'south@x.test');
SELECT provider FROM owo_identity_link('key of south', 'stripe', 'cus_south');
\set VERBOSITY terse
SELECT owo_customer(:'customer');
SELECT owo_customer('key of north', 'south@x.test');
\set VERBOSITY sqlstate

-- plain SQL on the catalog: rows of south are not there, and none can be made, taken over or referred to
UPDATE owo.plan SET name = 'mine' WHERE id = :'plan';
DELETE FROM owo.plan_feature WHERE plan_id = :'plan';
MERGE INTO owo.plan AS p USING (VALUES (:'plan'::uuid)) AS v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET name = 'mine' WHEN NOT MATCHED THEN DO NOTHING;
SELECT * FROM owo.plan WHERE id = :'plan' FOR UPDATE;
INSERT INTO owo.plan (organization_id, slug) VALUES (:'south', 'planted');
INSERT INTO owo.plan (organization_id, slug, plan_group) VALUES (:'south', 'planted', 'planted');
INSERT INTO owo.plan (id, slug) VALUES (:'plan', 'planted') ON CONFLICT (id) DO UPDATE SET name = 'mine';
INSERT INTO owo.plan (organization_id, slug) VALUES (:'south', 'pro') ON CONFLICT (organization_id, slug) DO UPDATE SET name = 'mine';
UPDATE owo.plan SET organization_id = :'south' WHERE slug = 'pro';
UPDATE owo.feature SET organization_id = :'south', slug = 'moved' WHERE slug = 'seats';
UPDATE owo.plan SET plan_group = 'main', organization_id = :'south' WHERE slug = 'pro';
INSERT INTO owo.plan_feature (plan_id, feature_id, limit_amount) VALUES (:'plan', :'feature', 1000);
INSERT INTO owo.plan_feature (plan_id, feature_id, limit_amount, organization_id) VALUES (:'plan', :'own_feature', 1000, :'north');
INSERT INTO owo.plan_feature (plan_id, feature_id, limit_amount) VALUES (:'own_plan', :'feature', 1000);
UPDATE owo.plan_feature SET plan_id = :'plan';
UPDATE owo.plan_feature SET feature_id = :'feature', credit_system_id = NULL;
UPDATE owo.plan_feature SET feature_id = NULL, credit_system_id = :'system' WHERE credit_system_id IS NOT NULL;
INSERT INTO owo.plan_cycle (plan_id, key, price_amount, billing_interval) VALUES (:'plan', 'x', 1, 'monthly');
UPDATE owo.plan_cycle SET plan_id = :'plan';
INSERT INTO owo.credit_system_feature (credit_system_id, feature_id, credit_cost) VALUES (:'system', :'own_feature', 0);
UPDATE owo.credit_system_feature SET credit_system_id = :'system';
UPDATE owo.credit_system_feature SET feature_id = :'feature';
UPDATE owo.credit_pack SET credit_system_id = :'system';
INSERT INTO owo.plan_group_feature (plan_group_id, feature_id) VALUES (:'group', :'own_feature');
UPDATE owo.plan_group_feature SET feature_id = :'feature';
UPDATE owo.plan SET on_expire = 'none-such' WHERE slug = 'pro';
\copy owo.plan (slug) FROM /dev/null
-- a row keeps its id, to which usage refers, even in one's own organization
UPDATE owo.feature SET id = gen_random_uuid() WHERE slug = 'seats';
UPDATE owo.plan SET id = gen_random_uuid() WHERE slug = 'base';
-- for one who administers both organizations too a row stays where it is
SET ROLE postgres;
SELECT owo_grant_role('spied_admin', 'admin', 'north');
SET ROLE spied_admin;
UPDATE owo.feature SET organization_id = :'south', slug = 'moved' WHERE slug = 'seats' AND organization_id = :'north';
UPDATE owo.plan_cycle SET plan_id = :'plan', key = 'moved' WHERE plan_id = :'own_plan';
SET ROLE postgres;
SELECT owo_grant_role('spied_admin', 'none', 'north');

-- the tables that an administrator may not change by SQL, and what only an owner may do to any
SET ROLE spy_admin;
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate;
END
$$;
SELECT command, pg_temp.refused(command) AS answer FROM unnest(ARRAY[
    'INSERT INTO owo.role_grant (role_name, level) VALUES (''spy_admin'', ''admin'')', 'SELECT * FROM owo.role_grant', 'SELECT * FROM owo.installation',
    'SELECT * FROM owo.usage_key', 'UPDATE owo.organization SET grace_days = 100', 'DELETE FROM owo.event', 'UPDATE owo.subscription SET status = ''active''',
    'UPDATE owo.override SET unlimited = true', 'UPDATE owo.credit_grant SET amount = 1000', 'UPDATE owo.customer SET email = ''x''',
    'DELETE FROM owo.usage_pending', 'UPDATE owo.meter_period SET used = 0', 'DELETE FROM owo.usage_event', 'UPDATE owo.checkout SET status = ''completed''',
    'DELETE FROM owo.plan_feature_history', 'TRUNCATE owo.plan CASCADE', 'TRUNCATE owo.usage_pending', 'LOCK owo.customer IN ROW EXCLUSIVE MODE',
    'SELECT * FROM owo.customer FOR UPDATE', 'ALTER TABLE owo.plan DISABLE ROW LEVEL SECURITY', 'CREATE POLICY p ON owo.plan USING (true)',
    'ALTER POLICY plan_admin ON owo.plan USING (true)', 'CREATE TRIGGER t AFTER INSERT ON owo.plan FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE RULE r AS ON INSERT TO owo.plan DO INSTEAD NOTHING', 'CREATE INDEX i ON owo.plan (slug)', 'CREATE STATISTICS s ON slug, name FROM owo.plan',
    'CREATE TABLE public.child () INHERITS (owo.customer)', 'CREATE TABLE public.part PARTITION OF owo.usage_event DEFAULT',
    'CREATE TABLE public.key_spy (id uuid REFERENCES owo.customer)', 'ALTER TABLE owo.plan DISABLE TRIGGER ALL', 'ALTER TABLE owo.plan OWNER TO spy_admin',
    'ALTER FUNCTION owo_check OWNER TO spy_admin', 'ALTER FUNCTION owo_check SECURITY DEFINER', 'CREATE OR REPLACE FUNCTION owo._organizations(level text) RETURNS SETOF uuid LANGUAGE sql AS ''SELECT NULL::uuid''',
    'CREATE TABLE owo.mine ()', 'CREATE FUNCTION owo.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'DROP TABLE owo.plan CASCADE', 'DROP EXTENSION owostack CASCADE',
    'ALTER EXTENSION owostack ADD TABLE public.seen', 'COMMENT ON TABLE owo.plan IS ''mine''', 'GRANT SELECT ON owo.customer TO spy_reader',
    'GRANT EXECUTE ON FUNCTION owo_sync(jsonb, boolean) TO PUBLIC', 'SET session_replication_role = replica', 'SET owostack.notify = off',
    'CREATE FUNCTION public.raw() RETURNS boolean LANGUAGE c AS ''$libdir/owostack'', ''owo_allowed_wrapper''',
    'CREATE PUBLICATION p FOR TABLE owo.customer', 'SELECT pg_read_file(''pg_hba.conf'')']) AS command;
-- GRANT by one who may not warns and gives nothing
SELECT has_table_privilege('owo_nobody', 'owo.customer', 'SELECT'), has_function_privilege('owo_nobody', 'owo_sync(jsonb, boolean)', 'EXECUTE');
-- what may be done harms nobody: a copy of the shape, a lock that a reader's SELECT takes as well
SELECT pg_temp.refused('CREATE TABLE public.shape (LIKE owo.customer)'), pg_temp.refused('LOCK owo.customer IN ACCESS SHARE MODE');
DROP TABLE public.shape;

-- and statistics of the planner are withheld
SET ROLE postgres;
ANALYZE owo.customer, owo.organization;
SET ROLE spy_admin;
SELECT count(*) FROM pg_stats WHERE schemaname = 'owo' AND tablename IN ('customer', 'organization');

-- afterwards south is as it was
SET ROLE spied_admin;
SET owostack.organization = 'south';
SELECT slug, name, plan_group FROM owo.plan ORDER BY 1;
SELECT p.slug, f.limit_amount FROM owo.plan_feature f JOIN owo.plan p ON p.id = f.plan_id ORDER BY 1, 2;
SELECT slug FROM owo.plan_group;
SELECT key, email FROM owo.customer;
SELECT usage, usage_limit FROM owo_check('key of south', 'calls');
SELECT feature, sum(quantity) FROM owo.usage GROUP BY 1 ORDER BY 1;
SET ROLE postgres;
SELECT * FROM owo_verify();
