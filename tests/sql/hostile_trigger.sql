-- A trigger function with the owner's rights must not run on anybody else's table: columns of the attacker's types would
-- be evaluated with those rights, and rows of the attacker's choice would be written.
\set VERBOSITY terse
SET client_min_messages = warning;
SET ROLE postgres;
SELECT slug FROM owo_organization('south');
SELECT slug FROM owo_organization('north');
CREATE ROLE hostile_north;
SELECT owo_grant_role('hostile_north', 'admin', 'north');
SELECT id AS south FROM owo.organization WHERE slug = 'south' \gset

-- no role but the owner may execute any, nor what they call: zero rows
SELECT p.oid::regprocedure AS routine, r.rolname AS role
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack'
CROSS JOIN pg_roles r
WHERE (p.prorettype = 'trigger'::regtype OR p.proname LIKE '\_%')
  AND p.proname NOT IN ('owo_enforce', '_organizations', '_organization', '_worker_status', '_provider_status', '_bound_accounts', '_meter_stats')
  AND r.rolname IN ('owo_admin', 'owo_app', 'owo_reader', 'owo_nobody', 'hostile_north')
  AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
ORDER BY 1, 2;

SET ROLE hostile_north;
CREATE FUNCTION pg_temp.spring(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'hostile_north' THEN
        RAISE WARNING 'the trap was sprung by %', current_user;
    END IF;
    RETURN true;
END
$$;
CREATE DOMAIN pg_temp.trap AS text CHECK (pg_temp.spring(VALUE));
CREATE TEMP TABLE plan (id uuid, organization_id uuid, slug text, name pg_temp.trap, plan_group text, source text, price_amount bigint,
    currency text, billing_interval text, updated_at timestamptz, created_at timestamptz);
CREATE TRIGGER attack BEFORE INSERT ON plan FOR EACH ROW EXECUTE FUNCTION owo._catalog_row();
CREATE TRIGGER attack BEFORE INSERT ON plan FOR EACH ROW EXECUTE FUNCTION owo._catalog_part();
CREATE TRIGGER attack AFTER UPDATE ON plan FOR EACH ROW EXECUTE FUNCTION owo._keep_plan_feature();
CREATE TRIGGER attack BEFORE INSERT ON plan FOR EACH STATEMENT EXECUTE FUNCTION owo._catalog_begin();
CREATE TRIGGER attack BEFORE INSERT ON plan FOR EACH ROW EXECUTE FUNCTION owo._guard_count();

-- the second lock: somebody has granted everything in the schema
SET ROLE postgres;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA owo TO hostile_north;
SET ROLE hostile_north;
CREATE TRIGGER attack BEFORE INSERT ON plan FOR EACH ROW EXECUTE FUNCTION owo._catalog_row();
INSERT INTO plan (organization_id, slug, name, plan_group, source) VALUES (:'south', 'x', 'x', 'planted', 'sql');
DROP TRIGGER attack ON plan;
CREATE TABLE pg_temp.plan_feature (organization_id uuid, id uuid, plan_id uuid, feature_id uuid, credit_system_id uuid, limit_amount numeric,
    reset_interval text, reset_anchor text, rollover boolean, rollover_limit numeric, rollover_expires_after text, scope text);
INSERT INTO plan_feature VALUES (:'south', gen_random_uuid(), gen_random_uuid());
CREATE TRIGGER attack AFTER DELETE ON plan_feature FOR EACH ROW EXECUTE FUNCTION owo._keep_plan_feature();
DELETE FROM plan_feature;
-- neither on memory: the function behind caches reads the column that its argument names as a uuid
CREATE TABLE pg_temp.short (id smallint, long text);
CREATE TRIGGER attack AFTER INSERT ON short FOR EACH ROW EXECUTE FUNCTION owo._note('customer', 'id');
INSERT INTO short VALUES (1, 'x');
SELECT owo._note();
SELECT owo._catalog_lock(:'south');
SELECT owo._now(:'south');
-- called from SQL, trigger functions refuse
SELECT owo._catalog_begin();
SELECT owo._guard_count();
SELECT owo._catalog_row();
SELECT owo._watches(NULL), owo._watches(0);
SET ROLE postgres;
SELECT slug FROM owo.plan_group;
SELECT count(*) FROM owo.plan_feature_history;

-- nobody holds up a catalog that is not his: no lock is taken
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA owo FROM hostile_north;
SELECT owo_grant_role('hostile_north', 'admin', 'north');
SET ROLE hostile_north;
BEGIN;
SET LOCAL owostack.organization = 'south';
UPDATE owo.plan SET name = name;
DELETE FROM owo.feature;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SET LOCAL owostack.organization = 'north';
UPDATE owo.plan SET name = name;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
COMMIT;
RESET ROLE;
