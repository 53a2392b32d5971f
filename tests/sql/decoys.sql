-- The extension in a schema off the search_path, with decoys of what it uses in front of the path: nothing of its own
-- may reach them. Each decoy raises.
\set VERBOSITY terse
SET ROLE postgres;
SET client_min_messages = warning;
DROP EXTENSION owostack CASCADE;
CREATE SCHEMA billing;
CREATE EXTENSION owostack SCHEMA billing;
GRANT USAGE ON SCHEMA billing TO owo_admin, owo_app;
SELECT billing.owo_grant_role('owo_admin', 'admin');
SELECT billing.owo_grant_role('owo_app', 'app');

CREATE SCHEMA decoy;
GRANT ALL ON SCHEMA decoy TO PUBLIC;
-- every operator that pg_catalog has on the types we use, under its own name
DO $$
DECLARE
    o record;
    argument text;
BEGIN
    FOR o IN
        SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result, row_number() OVER () AS n
        FROM pg_operator
        WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft <> 0
          AND oprleft IN ('text'::regtype, 'uuid'::regtype, 'numeric'::regtype, 'bigint'::regtype, 'integer'::regtype, 'jsonb'::regtype,
                          'boolean'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'name'::regtype, 'oid'::regtype, 'text[]'::regtype)
          AND oprright IN ('text'::regtype, 'uuid'::regtype, 'numeric'::regtype, 'bigint'::regtype, 'integer'::regtype, 'jsonb'::regtype,
                           'boolean'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'name'::regtype, 'oid'::regtype, 'text[]'::regtype)
    LOOP
        EXECUTE format('CREATE FUNCTION decoy.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION ''decoy operator %s''; END $f$',
                       o.n, o.l, o.r, o.result, replace(o.oprname, '%', '%%'));
        EXECUTE format('CREATE OPERATOR decoy.%s (FUNCTION = decoy.operator_%s, LEFTARG = %s, RIGHTARG = %s)', o.oprname, o.n, o.l, o.r);
    END LOOP;
    -- and the functions
    FOR o IN
        SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
          AND p.proname IN ('now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp', 'lower', 'upper', 'length', 'octet_length',
                            'gen_random_uuid', 'set_config', 'current_setting', 'to_jsonb', 'jsonb_typeof', 'jsonb_strip_nulls', 'format_type',
                            'pg_has_role', 'has_table_privilege', 'date_trunc', 'timezone', 'to_char', 'hashtext', 'hashtextextended', 'abs',
                            'floor', 'ceil', 'round', 'trim_scale', 'pg_notify', 'numeric', 'text', 'date_part', 'extract', 'starts_with', 'substr')
          AND p.prorettype NOT IN ('internal'::regtype) AND pg_get_function_identity_arguments(p.oid) !~ '(internal|any|OUT)'
    LOOP
        EXECUTE format('CREATE FUNCTION decoy.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION ''decoy function %s''; END $f$',
                       o.proname, o.arguments, o.result, o.proname);
    END LOOP;
    -- the extension's own names
    FOR o IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE format('CREATE TABLE decoy.%I (decoy text)', o.relname);
        EXECUTE format('CREATE TEMP TABLE %I (decoy text)', o.relname);
    END LOOP;
    FOR o IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments
             FROM pg_proc p WHERE p.pronamespace = 'billing'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
    LOOP
        EXECUTE format('CREATE FUNCTION decoy.%I(%s) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION ''decoy function %s''; END $f$',
                       o.proname, (SELECT coalesce(string_agg(x, ', '), '') FROM regexp_split_to_table(o.arguments, ', ') AS x WHERE x !~ '^OUT '), o.proname);
    END LOOP;
END
$$;
CREATE DOMAIN decoy.uuid AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE DOMAIN decoy.text AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE DOMAIN decoy.numeric AS pg_catalog.numeric CHECK (VALUE IS NULL);
CREATE DOMAIN decoy.jsonb AS pg_catalog.jsonb CHECK (VALUE IS NULL);
CREATE TYPE decoy.owo_decision AS (decoy pg_catalog.bool);
CREATE TYPE decoy.owo_attachment AS (decoy pg_catalog.bool);
GRANT ALL ON ALL TABLES IN SCHEMA decoy TO PUBLIC;
SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'decoy'::regnamespace) > 100 AS decoys_are_set;

SET search_path = decoy, pg_temp, pg_catalog;
-- the decoys work on those who trust the path
SELECT now();
SELECT 'a'::pg_catalog.text = 'a'::pg_catalog.text;

-- the main job, qualified by its schema only
SET ROLE owo_admin;
SELECT slug FROM billing.owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT billing.owo_clock_set('2027-01-31 09:00+00');
SELECT billing.owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "sso", "type": "boolean"}, {"slug": "region", "type": "static", "default": "eu"},
               {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "plans": [{"slug": "free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 3, "rollover": true}, {"slug": "seats", "limit": 1}]},
            {"slug": "pro", "planGroup": "main", "price": 2900, "currency": "USD", "features": [{"slug": "calls", "limit": 10}, {"slug": "sso"}, {"slug": "credits", "limit": 12},
                      {"slug": "seats", "limit": 5}]}]}');
SELECT billing.owo_sync(billing.owo_catalog(), true);
SELECT slug, price FROM billing.owo_plans();
SELECT slug FROM billing.owo_plan('pro');
SET ROLE owo_app;
SELECT key, email FROM billing.owo_customer('acme', 'Ops@Acme.test', 'Acme', '{"a": 1}');
SELECT allowed, code, usage, balance FROM billing.owo_check('ops@acme.test', 'calls');
SELECT billing.owo_allowed('acme', 'sso'), billing.owo_limit('acme', 'calls'), billing.owo_value('acme', 'region');
SELECT allowed, code, usage, balance FROM billing.owo_track('acme', 'calls', 2, metadata => '{"k": "v"}', idempotency_key => 'one');
SELECT allowed, replayed FROM billing.owo_track('acme', 'calls', 2, metadata => '{"k": "v"}', idempotency_key => 'one');
SELECT allowed, code FROM billing.owo_track('acme', 'calls', 2);
SELECT allowed, usage FROM billing.owo_track('acme', 'calls', -1);
SELECT allowed, code FROM billing.owo_track_batch('[{"customer": "acme", "feature": "calls"}, {"customer": "new", "feature": "calls", "customer_data": {"email": "n@x.test"}}]');
SELECT entity, count FROM billing.owo_entity_add('acme', 'seats', 'ada');
SELECT entity, count FROM billing.owo_entities('acme');
SELECT code, type FROM billing.owo_attach_preview('acme', 'pro');
SELECT code, checkout_id FROM billing.owo_attach('acme', 'pro') \gset
SELECT :'code';
SET ROLE owo_admin;
SELECT status FROM billing.owo_checkout_complete(:'checkout_id');
SET ROLE owo_app;
SELECT feature, (decision).allowed, (decision).balance FROM billing.owo_features('acme');
SELECT allowed, code, balance FROM billing.owo_track('acme', 'images', 2);
SELECT ordinal, scope, granted, used, applied FROM billing.owo_explain('acme', 'calls');
SELECT status, cancel_at FROM billing.owo_cancel('acme', 'pro');
SELECT status FROM billing.owo_entity_remove('acme', 'seats', 'ada');
SET ROLE owo_admin;
SELECT billing.owo_worker_tick() IS NOT NULL;
SELECT billing.owo_clock_advance('1 month');
SELECT customer, feature, quantity FROM owo.usage ORDER BY customer, feature, quantity;
SELECT * FROM billing.owo_verify();
SET ROLE owo_app;
SELECT allowed, code, usage, balance FROM billing.owo_check('acme', 'calls');
-- plain SQL on the catalog runs the extension's checks, not the decoys
SET ROLE owo_admin;
UPDATE owo.plan_feature SET limit_amount = 7 WHERE limit_amount OPERATOR(pg_catalog.=) 3;
SET ROLE owo_app;
SELECT usage_limit FROM billing.owo_check('new', 'calls');
