-- Who may do what: PUBLIC nothing, and each level of owo_grant_role what its name says.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;

CREATE TEMP VIEW owned_function AS
SELECT p.oid, p.proname::text AS name, p.provolatile, p.proacl, p.pronamespace, p.prorettype
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack';
CREATE TEMP VIEW owned_relation AS
SELECT c.oid, c.oid::regclass::text AS name, c.relkind
FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack';

-- PUBLIC, and a role that was granted nothing: zero rows each
SELECT name FROM owned_function WHERE has_function_privilege('owo_nobody', oid, 'EXECUTE') AND prorettype <> 'trigger'::regtype ORDER BY 1;
SELECT name FROM owned_relation
WHERE relkind <> 'c' AND CASE relkind WHEN 'S' THEN has_sequence_privilege('owo_nobody', oid, 'USAGE, SELECT, UPDATE')
      ELSE has_table_privilege('owo_nobody', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege('owo_nobody', oid, 'SELECT, INSERT, UPDATE, REFERENCES') END
ORDER BY 1;
SELECT has_schema_privilege('owo_nobody', 'owo', 'USAGE, CREATE') AS nobody_enters;

-- a reader: views and functions that write nothing
SELECT name FROM owned_function WHERE has_function_privilege('owo_reader', oid, 'EXECUTE') AND provolatile = 'v' AND name LIKE 'owo\_%' ORDER BY 1;
SELECT name FROM owned_relation
WHERE relkind IN ('r', 'p', 'v') AND has_table_privilege('owo_reader', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') ORDER BY 1;
SELECT name FROM owned_relation WHERE relkind = 'v' AND NOT has_table_privilege('owo_reader', oid, 'SELECT') ORDER BY 1;
-- an app: what a reader may, and these that write
SELECT name FROM owned_function WHERE has_function_privilege('owo_reader', oid, 'EXECUTE') AND NOT has_function_privilege('owo_app', oid, 'EXECUTE') ORDER BY 1;
SELECT name FROM owned_function WHERE has_function_privilege('owo_app', oid, 'EXECUTE') AND provolatile = 'v' AND name LIKE 'owo\_%' AND prorettype <> 'trigger'::regtype ORDER BY 1;
SELECT name FROM owned_relation
WHERE relkind IN ('r', 'p', 'v') AND has_table_privilege('owo_app', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') ORDER BY 1;
-- an admin: every function
SELECT name FROM owned_function WHERE name LIKE 'owo\_%' AND NOT has_function_privilege('owo_admin', oid, 'EXECUTE') ORDER BY 1;
-- and these tables by plain SQL, never the counted ones
SELECT name FROM owned_relation WHERE relkind IN ('r', 'p') AND has_table_privilege('owo_admin', oid, 'INSERT, UPDATE') ORDER BY 1;

-- the same, called
SET ROLE owo_admin;
SELECT (owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 3}]}]}') -> 'success');
SET ROLE owo_nobody;
SELECT owo_check('acme', 'calls');
SELECT owo_track('acme', 'calls');
SELECT * FROM owo.usage;
SET ROLE owo_reader;
SELECT code FROM owo_check('acme', 'calls');
SELECT owo_track('acme', 'calls');
SELECT key FROM owo_customer('acme');
SELECT count(*) FROM owo.usage;
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT code FROM owo_track('acme', 'calls');
SELECT owo_sync('{}');
SELECT owo_grant_role('owo_app', 'admin');
SELECT owo_organization('other');
DELETE FROM owo.usage_pending;
UPDATE owo.plan SET name = 'x';
SET ROLE owo_admin;
DELETE FROM owo.usage_pending;
INSERT INTO owo.entity DEFAULT VALUES;

-- a superuser cannot slip usage past the count either
SET ROLE postgres;
DELETE FROM owo.usage_pending;
UPDATE owo.usage_pending SET quantity = 0;
RESET ROLE;
SELECT usage, balance FROM owo_check('acme', 'calls');

-- taken back
SET ROLE postgres;
SELECT owo_grant_role('owo_app', 'none');
RESET ROLE;
SELECT code FROM owo_check('acme', 'calls');
SET ROLE postgres;
SELECT owo_grant_role('owo_app', 'nonsense');
SELECT owo_grant_role('owo_app', 'app', 'no-such-organization');

-- organizations: a grant for one does not open another, whatever the session sets
SELECT slug FROM owo_organization('north');
SELECT slug FROM owo_organization('south');
SELECT owo_grant_role('owo_app', 'app', 'north');
RESET ROLE;
SELECT code FROM owo_check('acme', 'calls');
SET owostack.organization = 'north';
SELECT key FROM owo_customer('acme');
SET owostack.organization = 'south';
SELECT key FROM owo_customer('acme');
SELECT code FROM owo_check('acme', 'calls');
SET owostack.organization = 'nowhere';
SELECT code FROM owo_check('acme', 'calls');
SELECT DISTINCT organization FROM owo.subscription_now ORDER BY 1;
