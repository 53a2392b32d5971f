-- What a session remembers of rights belongs to the role that had them: SET ROLE, functions with their owner's rights, and
-- whatever is taken back while the session goes on. Each call is made twice, so that the second could be remembered.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 100}]}]}') -> 'success';
SELECT slug FROM owo_organization('north');
SELECT key FROM owo_customer('acme');
CREATE ROLE memory_app;
CREATE ROLE memory_reader;
CREATE ROLE memory_team;
SELECT owo_grant_role('memory_app', 'app', 'default');
SELECT owo_grant_role('memory_reader', 'reader', 'default');
-- every privilege, so that only the grants of organizations decide
SELECT owo_grant_role('memory_app', 'admin', 'north');
SELECT owo_grant_role('memory_reader', 'admin', 'north');
CREATE FUNCTION public.attempts(customer text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    command text;
    answers text[];
BEGIN
    FOREACH command IN ARRAY ARRAY['SELECT owo_check(%L, ''calls'')', 'SELECT owo_allowed(%L, ''calls'')', 'SELECT owo_limit(%L, ''calls'')',
        'SELECT owo_track(%L, ''calls'')', 'SELECT owo_customer(%L, name => ''x'')', 'SELECT owo_override(%L, ''calls'', usage_limit => 100)'] LOOP
        BEGIN
            EXECUTE format(command, customer);
            answers := answers || substring(command from 'owo_(\w+)');
        EXCEPTION WHEN insufficient_privilege THEN
            answers := answers || '-'::text;
        END;
    END LOOP;
    RETURN array_to_string(answers, ' ');
END
$$;
CREATE FUNCTION public.lent_attempts(customer text) RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT public.attempts(customer)';
SELECT attempts('acme');
SELECT attempts('acme');
SET ROLE memory_reader;
SELECT attempts('acme');
SELECT attempts('acme');
SELECT lent_attempts('acme');
SELECT attempts('acme');
SET ROLE memory_app;
SELECT attempts('acme');
SELECT attempts('acme');
SET ROLE owo_nobody;
SELECT lent_attempts('acme');
SELECT attempts('acme');
SET ROLE memory_reader;
SELECT attempts('acme');
SELECT owo_track('acme', 'calls');
-- another organization
SET owostack.organization = 'north';
SELECT code FROM owo_check('acme', 'none');
SET ROLE owo_nobody;
SELECT attempts('acme');
RESET owostack.organization;
-- one transaction, several roles
BEGIN;
SET LOCAL ROLE postgres;
SELECT attempts('acme');
SET LOCAL ROLE memory_reader;
SELECT attempts('acme');
SET LOCAL ROLE memory_app;
SELECT attempts('acme');
ROLLBACK;
-- taken back: by grant, by membership, by privilege
SET ROLE postgres;
SELECT owo_grant_role('memory_app', 'reader', 'default');
SET ROLE memory_app;
SELECT attempts('acme');
SET ROLE postgres;
SELECT owo_grant_role('memory_app', 'none');
SELECT owo_grant_role('memory_team', 'app');
GRANT memory_team TO memory_app;
SET ROLE memory_app;
SELECT attempts('acme');
SELECT attempts('acme');
SET ROLE postgres;
REVOKE memory_team FROM memory_app;
SET ROLE memory_app;
SELECT attempts('acme');
SET ROLE postgres;
GRANT memory_team TO memory_app;
SET ROLE memory_app;
SELECT attempts('acme');
SET ROLE postgres;
-- a membership that lends nothing: up to Postgres 15 the member says so, then the membership
DO $$
BEGIN
    IF current_setting('server_version_num')::int < 160000 THEN
        ALTER ROLE memory_app NOINHERIT;
    ELSE
        EXECUTE 'GRANT memory_team TO memory_app WITH INHERIT FALSE';
    END IF;
END
$$;
SET ROLE memory_app;
SELECT attempts('acme');
SET ROLE postgres;
DO $$
BEGIN
    IF current_setting('server_version_num')::int < 160000 THEN
        ALTER ROLE memory_app INHERIT;
    ELSE
        EXECUTE 'GRANT memory_team TO memory_app WITH INHERIT TRUE';
    END IF;
END
$$;
SET ROLE memory_app;
SELECT attempts('acme');
SET ROLE postgres;
REVOKE USAGE ON SCHEMA owo FROM memory_team;
SET ROLE memory_app;
SELECT attempts('acme');
SET ROLE postgres;
ALTER ROLE memory_app SUPERUSER;
SET ROLE memory_app;
SELECT attempts('acme');
RESET ROLE;
SET ROLE postgres;
ALTER ROLE memory_app NOSUPERUSER;
SET ROLE memory_app;
SELECT attempts('acme');
-- the functions get another owner: a session that remembers the old one goes on with the new
SET ROLE postgres;
SELECT attempts('acme');
CREATE ROLE memory_owner;
DO $$
DECLARE
    o record;
BEGIN
    ALTER SCHEMA owo OWNER TO memory_owner;
    GRANT CREATE ON SCHEMA public TO memory_owner;
    FOR o IN SELECT format('ALTER %s %s OWNER TO memory_owner', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) AS command
             FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v')
             UNION ALL
             SELECT format('ALTER ROUTINE %s OWNER TO memory_owner', p.oid::regprocedure)
             FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack' LOOP
        EXECUTE o.command;
    END LOOP;
END
$$;
SELECT attempts('acme');
SELECT usage > 10 AS counted FROM owo_check('acme', 'calls');
SELECT * FROM owo_verify();
