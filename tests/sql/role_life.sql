-- A level belongs to the role that was given it, and to its members: through groups, NOINHERIT, SET ROLE, renames, DROP ROLE
-- and a new role of the same name.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 30}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT slug FROM owo_organization('north');
CREATE ROLE life_team NOLOGIN;
CREATE ROLE "life ""Quoted""; role" NOLOGIN;
CREATE ROLE life_member IN ROLE life_team;
CREATE ROLE life_distant NOINHERIT IN ROLE life_team;
CREATE ROLE life_stranger;

-- a grant to a group holds for its members, as far as they inherit
SELECT owo_grant_role('life_team', 'app');
SET ROLE life_member;
SELECT code FROM owo_check('acme', 'calls');
SELECT count(*) FROM owo.customer;
SET ROLE life_distant;
SELECT code FROM owo_check('acme', 'calls');
SELECT count(*) FROM owo.customer;
SET ROLE postgres;
SET SESSION AUTHORIZATION life_distant;
SET ROLE life_team;
SELECT code FROM owo_check('acme', 'calls');
RESET SESSION AUTHORIZATION;
SET ROLE life_stranger;
SELECT code FROM owo_check('acme', 'calls');

-- membership that ends or begins acts at once, also for prepared statements
SET ROLE postgres;
PREPARE ask AS SELECT code FROM owo_check('acme', 'calls');
PREPARE list AS SELECT count(*) FROM owo.customer;
SET ROLE life_member;
EXECUTE ask;
EXECUTE list;
SET ROLE postgres;
REVOKE life_team FROM life_member;
SET ROLE life_member;
EXECUTE ask;
EXECUTE list;
SET ROLE postgres;
EXECUTE list;
GRANT life_team TO life_member;
SET ROLE life_member;
EXECUTE ask;
EXECUTE list;
-- also inside one transaction, and with a cursor that was opened as another role
BEGIN;
SET LOCAL ROLE postgres;
DECLARE rows CURSOR FOR SELECT key FROM owo.customer;
SET LOCAL ROLE life_stranger;
SAVEPOINT before;
SELECT code FROM owo_check('acme', 'calls');
ROLLBACK TO before;
FETCH ALL FROM rows;
ROLLBACK TO before;
SET LOCAL ROLE life_member;
SELECT code FROM owo_check('acme', 'calls');
COMMIT;

-- whose rights count: the current user at the call. A function with its owner's rights lends them, one without does not
SET ROLE postgres;
CREATE FUNCTION public.lent() RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT code FROM public.owo_check(''acme'', ''calls'')';
ALTER FUNCTION public.lent() OWNER TO life_team;
CREATE FUNCTION public.plain() RETURNS text LANGUAGE sql AS 'SELECT code FROM public.owo_check(''acme'', ''calls'')';
ALTER FUNCTION public.plain() OWNER TO life_team;
CREATE VIEW public.shown AS SELECT (owo_check('acme', 'calls')).code, (SELECT count(*) FROM owo.customer) AS customers;
ALTER VIEW public.shown OWNER TO life_team;
GRANT SELECT ON public.shown TO PUBLIC;
SET ROLE life_stranger;
SELECT lent();
SELECT plain();
SELECT code FROM shown;
SELECT customers FROM shown;
-- the lender loses his level: so does who borrows
SET ROLE postgres;
SELECT owo_grant_role('life_team', 'reader', 'north');
SELECT owo_grant_role('life_team', 'none');
SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'owo' AND a.grantee = 'life_team'::regrole;
SET ROLE life_stranger;
SELECT lent();
SET ROLE life_member;
SELECT code FROM owo_check('acme', 'calls');

-- none for one organization leaves the others
SET ROLE postgres;
SELECT owo_grant_role('life_team', 'app', 'north');
SELECT owo_grant_role('life_team', 'reader', 'default');
SELECT owo_grant_role('life_team', 'none', 'north');
SET ROLE life_member;
SELECT code FROM owo_check('acme', 'calls');
SELECT code FROM owo_track('acme', 'calls');
SET owostack.organization = 'north';
SELECT code FROM owo_check('acme', 'calls');
RESET owostack.organization;
-- a higher level comes with its privileges, a lower one takes them
SET ROLE postgres;
SELECT owo_grant_role('life_team', 'admin', 'default');
SET ROLE life_member;
UPDATE owo.plan SET name = 'Base';
SET ROLE postgres;
SELECT owo_grant_role('life_team', 'reader', 'default');
SET ROLE life_member;
UPDATE owo.plan SET name = 'Base';
SELECT owo_sync('{}');
SELECT code FROM owo_check('acme', 'calls');

-- a role of the same name is another role: what the old one held is gone, also where the new one is a member of a team
SET ROLE postgres;
SELECT owo_grant_role('life_stranger', 'admin');
DROP ROLE life_stranger;
DROP OWNED BY life_stranger;
DROP ROLE life_stranger;
CREATE ROLE life_stranger IN ROLE life_team;
SELECT role_name, level FROM owo.role_grant WHERE role_name = 'life_stranger';
SET ROLE life_stranger;
SELECT code FROM owo_check('acme', 'calls');
SELECT code FROM owo_track('acme', 'calls');
SELECT owo_organization_set('default', '{"grace_days": 1}');
SELECT DISTINCT slug FROM owo.organization ORDER BY 1;
SET owostack.organization = 'north';
SELECT code FROM owo_check('acme', 'calls');
RESET owostack.organization;
-- until it is given one, which does not bring back what the old one held
SET ROLE postgres;
SELECT owo_grant_role('life_stranger', 'app', 'default');
SET ROLE life_stranger;
SELECT code FROM owo_track('acme', 'calls');
SELECT owo_organization_set('default', '{"grace_days": 1}');
UPDATE owo.plan SET name = 'x';
SELECT DISTINCT slug FROM owo.organization ORDER BY 1;
-- a renamed role has lost its grant, which is kept by name
SET ROLE postgres;
ALTER ROLE life_stranger RENAME TO life_renamed;
REVOKE life_team FROM life_renamed;
SET ROLE life_renamed;
SELECT code FROM owo_check('acme', 'calls');

-- names of any kind; the owner, and what is no role
SET ROLE postgres;
SELECT owo_grant_role('"life ""Quoted""; role"', 'app');
SET ROLE "life ""Quoted""; role";
SELECT code FROM owo_check('acme', 'calls');
SET ROLE postgres;
SELECT owo_grant_role('"life ""Quoted""; role"', 'none');
SELECT owo_grant_role('postgres', 'none');
SELECT owo_grant_role('postgres', 'admin');
SELECT owo_grant_role('-', 'app');
SELECT owo_grant_role('no_such_role', 'app');
SELECT owo_grant_role(4000000000::oid, 'app');
-- who may give: admins of every organization, not of one; nobody raises himself
SELECT owo_grant_role('life_team', 'admin', 'north');
SET ROLE life_team;
SELECT owo_grant_role('life_team', 'admin');
SELECT owo_grant_role('life_team', 'admin', 'north');
SET ROLE owo_admin;
SELECT owo_grant_role('life_team', 'none');
SET ROLE life_team;
SELECT code FROM owo_check('acme', 'calls');
-- members of the owner and superusers need no grant; those who may read or write all tables meet row security
SET ROLE postgres;
CREATE ROLE life_owner IN ROLE postgres;
CREATE ROLE life_reads_all IN ROLE pg_read_all_data, pg_write_all_data;
SET ROLE life_owner;
SELECT code FROM owo_check('acme', 'calls');
SET ROLE life_reads_all;
SELECT * FROM owo.customer;
SELECT * FROM owo.role_grant;
INSERT INTO owo.role_grant (role_name, level) VALUES ('life_reads_all', 'admin');
UPDATE owo.subscription SET status = 'active';
INSERT INTO owo.override (id, customer_id, feature_id, created_at) SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now();
DELETE FROM owo.usage_pending;
SET ROLE postgres;
SELECT count(*) FROM owo.role_grant WHERE role_name = 'life_reads_all';
-- taken back, a role can be dropped
SELECT owo_grant_role('life_renamed', 'none');
DROP FUNCTION lent(), plain();
DROP VIEW shown;
DROP ROLE life_member, life_distant, life_team, life_renamed, "life ""Quoted""; role";
