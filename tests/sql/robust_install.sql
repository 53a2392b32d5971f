-- DROP EXTENSION and CREATE EXTENSION again under a session that goes on: kept plans and remembered oids are of the past.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
CREATE FUNCTION public.job(customer text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}], "plans": [{"slug": "base", "autoEnable": true,
        "features": [{"slug": "calls", "limit": 5}, {"slug": "seats", "limit": 2}]}]}');
    PERFORM owo_customer(customer, customer || '@x.test');
    PERFORM owo_track(customer, 'calls', 2), owo_entity_add(customer, 'seats', 'a');
    PERFORM owo_worker_tick();
    PERFORM owo_track(customer, 'calls', 1, idempotency_key => 'k');
    UPDATE owo.plan SET name = 'Base';
    SELECT format('%s: %s of %s calls, %s customers, %s to verify', c.code, c.usage, c.usage_limit, (SELECT count(*) FROM owo.customer), (SELECT count(*) FROM owo_verify()))
      INTO answer FROM owo_check(customer, 'calls') AS c;
    RETURN answer;
END
$$;
SELECT job('one');
-- calls that are remembered, since nothing has changed between them
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage, owo_allowed('one', 'calls') FROM owo_check('one', 'calls');
DROP EXTENSION owostack CASCADE;
SELECT owo_check('one', 'calls');
SELECT owo_track('one', 'calls', 0.1);
CREATE EXTENSION owostack;
SELECT owo_track('one', 'calls', 0.1);
SELECT job('one');
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage, owo_allowed('one', 'calls') FROM owo_check('one', 'calls');
SELECT owo_worker_tick() IS NOT NULL;
SELECT sum(quantity) FROM owo.usage;
SELECT * FROM owo_verify();
-- within a transaction: the new one is forgotten, the old one counts on
BEGIN;
SELECT usage FROM owo_track('one', 'calls', 0.1);
DROP EXTENSION owostack CASCADE;
CREATE EXTENSION owostack;
SELECT owo_track('one', 'calls', 0.1);
ROLLBACK;
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT usage FROM owo_track('one', 'calls', 0.1);
SELECT job('two');
-- within one transaction, taken back
BEGIN;
DROP EXTENSION owostack CASCADE;
CREATE EXTENSION owostack;
SELECT job('three');
SELECT job('four');
ROLLBACK;
SELECT job('five');
-- and kept
BEGIN;
SELECT job('six');
DROP EXTENSION owostack CASCADE;
CREATE EXTENSION owostack;
SELECT job('seven');
COMMIT;
SELECT job('eight');
-- half-way, in a savepoint
BEGIN;
SELECT job('nine');
SAVEPOINT a;
DROP EXTENSION owostack CASCADE;
SAVEPOINT b;
SELECT owo_check('nine', 'calls');
ROLLBACK TO a;
SELECT job('ten');
COMMIT;
-- in another schema, off the path and with a name that needs quotes
DROP EXTENSION owostack CASCADE;
CREATE SCHEMA "My Schema";
CREATE EXTENSION owostack SCHEMA "My Schema";
SELECT job('eleven');
SET search_path = "My Schema", public;
SELECT job('twelve');
CALL owo_checkout('twelve', 'base');
SELECT feature, usage FROM owo.balance_now WHERE customer = 'twelve' ORDER BY 1;
ALTER EXTENSION owostack SET SCHEMA public;
-- a name that two schemas have
RESET search_path;
CREATE EXTENSION owostack SCHEMA public;
-- objects that somebody moves: an error that says so, and all is well again when they are back
SET search_path = "My Schema", public;
ALTER TABLE owo.plan SET SCHEMA public;
SELECT owo_catalog();
SELECT code FROM owo_check('twelve', 'calls');
ALTER TABLE public.plan SET SCHEMA owo;
SELECT owo_catalog() -> 'plans' -> 0 ->> 'slug';
SELECT code FROM owo_check('twelve', 'calls');
ALTER FUNCTION owo_check SET SCHEMA public;
SELECT code FROM public.owo_check('twelve', 'calls');
ALTER FUNCTION public.owo_check SET SCHEMA "My Schema";
-- a function of another owner works with that one's rights, and makes nobody a master
CREATE ROLE install_other;
GRANT CREATE, USAGE ON SCHEMA "My Schema" TO install_other;
ALTER FUNCTION owo_catalog OWNER TO install_other;
SET ROLE install_other;
SELECT owo_catalog();
SET ROLE postgres;
ALTER FUNCTION owo_catalog OWNER TO postgres;
SELECT owo_catalog() -> 'plans' -> 0 ->> 'slug';
-- everything to another owner, who need be no superuser
CREATE ROLE install_owner;
GRANT ALL ON SCHEMA "My Schema", public TO install_owner;
REASSIGN OWNED BY install_other TO install_owner;
DO $$
DECLARE
    o record;
BEGIN
    ALTER SCHEMA owo OWNER TO install_owner;
    FOR o IN SELECT format('ALTER %s %s OWNER TO install_owner', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) AS command
             FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v') LOOP
        EXECUTE o.command;
    END LOOP;
    FOR o IN SELECT format('ALTER ROUTINE %s OWNER TO install_owner', p.oid::regprocedure) AS command
             FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack' LOOP
        EXECUTE o.command;
    END LOOP;
END
$$;
SELECT job('thirteen');
GRANT USAGE ON SCHEMA "My Schema" TO owo_app;
SET ROLE install_owner;
SELECT job('fourteen');
SELECT owo_grant_role('owo_app', 'app');
SET ROLE owo_app;
SELECT code FROM "My Schema".owo_track('fourteen', 'calls');
SELECT count(*) FROM owo.customer;
SET ROLE postgres;
SELECT owo_grant_role('owo_app', 'none');
DROP EXTENSION owostack CASCADE;
SELECT count(*) FROM pg_namespace WHERE nspname = 'owo';
