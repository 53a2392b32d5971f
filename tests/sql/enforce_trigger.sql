-- owo_enforce as a trigger made by hand: which kinds it is for, its arguments, whose rights it asks.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "projects", "type": "entity"}, {"slug": "calls"}, {"slug": "sso", "type": "boolean"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "projects", "limit": 2}, {"slug": "calls", "limit": 30}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
CREATE TABLE project (id int PRIMARY KEY, org text, size int DEFAULT 1);
GRANT ALL ON project TO owo_nobody, owo_reader;

-- the README's form
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON project FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=projects', 'customer=org', 'entity=id');
INSERT INTO project VALUES (1, 'acme'), (2, 'acme');
INSERT INTO project VALUES (3, 'acme');
SELECT entity FROM owo_entities('acme') ORDER BY 1;
SELECT table_name, mode FROM owo.enforced_table;
DELETE FROM project WHERE id = 1;
SELECT entity FROM owo_entities('acme') ORDER BY 1;
-- it has no trigger for TRUNCATE, unless one is made
BEGIN;
TRUNCATE project;
SELECT entity FROM owo_entities('acme') ORDER BY 1;
ROLLBACK;
CREATE TRIGGER u BEFORE TRUNCATE ON project EXECUTE FUNCTION owo_enforce('feature=projects', 'customer=org', 'entity=id');
TRUNCATE project;
SELECT entity FROM owo_entities('acme') ORDER BY 1;
DROP TRIGGER t ON project;
DROP TRIGGER u ON project;

-- kinds of trigger
CREATE VIEW all_projects AS SELECT * FROM project;
CREATE FUNCTION try(kind text, statement text, arguments text DEFAULT $$'feature=calls', 'customer=org'$$) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE format('CREATE TRIGGER t %s EXECUTE FUNCTION owo_enforce(%s)', kind, arguments);
    EXECUTE statement;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN 'works';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        RETURN SQLSTATE || ': ' || SQLERRM || coalesce('; ' || nullif(hint, ''), '');
END
$$;
SELECT try('BEFORE INSERT ON project FOR EACH ROW', 'INSERT INTO project VALUES (1, ''acme'')');
SELECT try('BEFORE UPDATE ON project FOR EACH ROW', 'INSERT INTO project VALUES (1, ''acme''); UPDATE project SET org = org');
SELECT try('BEFORE DELETE ON project FOR EACH ROW', 'INSERT INTO project VALUES (1, ''acme''); DELETE FROM project');
SELECT try('BEFORE INSERT ON project FOR EACH STATEMENT', 'INSERT INTO project VALUES (1, ''acme'')');
SELECT try('AFTER INSERT ON project FOR EACH STATEMENT', 'INSERT INTO project VALUES (1, ''acme'')');
SELECT try('AFTER INSERT ON project REFERENCING NEW TABLE AS mine FOR EACH STATEMENT', 'INSERT INTO project VALUES (1, ''acme'')');
SELECT try('AFTER TRUNCATE ON project FOR EACH STATEMENT', 'TRUNCATE project');
SELECT try('INSTEAD OF INSERT ON all_projects FOR EACH ROW', 'INSERT INTO all_projects VALUES (1, ''acme'')');
SELECT try('AFTER INSERT ON project FOR EACH ROW WHEN (NEW.size > 5)', 'INSERT INTO project VALUES (1, ''nobody'', 1), (2, ''acme'', 6)');
SELECT try('AFTER UPDATE OF org ON project FOR EACH ROW', 'INSERT INTO project VALUES (1, ''nobody''); UPDATE project SET size = 1');
SELECT try('AFTER INSERT ON project FOR EACH ROW', 'INSERT INTO all_projects VALUES (1, ''acme'')');
SELECT owo_enforce();

-- arguments
SELECT arguments, try('AFTER INSERT OR UPDATE OR DELETE ON project FOR EACH ROW', 'INSERT INTO project VALUES (1, ''acme'')', arguments)
FROM (VALUES (1, ''), (2, '''feature=calls'''), (3, '''customer=org'''), (4, '''nonsense'''), (5, '''feature=calls'', ''customer=org'', ''colour=red'''),
             (6, '''feature=calls'', ''customer=org'', ''customer=id'''), (7, '''feature='', ''customer=org'''), (8, '''feature=calls'', ''customer=org'', ''returns=perhaps'''),
             (9, '''feature=unknown'', ''customer=org'''), (10, '''feature=sso'', ''customer=org'''), (11, '''feature=calls'', ''customer=nowhere'''),
             (12, '''feature=calls'', ''customer=org'', ''organization=nowhere'''), (13, '''feature=projects'', ''customer=org'''),
             (14, '''feature=projects'', ''customer=org'', ''entity=size'''), (15, '''feature=calls'', ''customer=org'', ''value=nowhere'''),
             (16, '''feature=calls'', ''customer=org'', ''value=org'''), (17, '''feature=calls'', ''customer=org'', ''value=1), (2'''),
             (18, '''feature=calls'', ''customer=org'', ''value=1); DELETE FROM project; SELECT (1'''),
             (19, ''' feature = calls '', ''customer = "org"'', ''value= size * 2 -- double'', ''returns=ON'''),
             (20, '''feature=calls'', ''customer=org'', ''entity=id''')) AS x (n, arguments) ORDER BY n;

-- an entity feature has one table, made by hand or not
CREATE TABLE second (LIKE project INCLUDING ALL);
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON project FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=projects', 'customer=org', 'entity=id');
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON second FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=projects', 'customer=org', 'entity=id');
INSERT INTO project VALUES (1, 'acme');
INSERT INTO second VALUES (2, 'acme');
ALTER TABLE project DISABLE TRIGGER t;
INSERT INTO second VALUES (2, 'acme');
SELECT table_name FROM owo.enforced_table;
ALTER TABLE project ENABLE TRIGGER t;
INSERT INTO project VALUES (3, 'acme');
DROP TABLE second;
SELECT owo_unenforce_table('project');

-- a deferred constraint trigger counts at commit
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON project DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=calls', 'customer=org', 'value=size');
BEGIN;
INSERT INTO project VALUES (10, 'acme', 15);
SELECT usage FROM owo_check('acme', 'calls');
COMMIT;
SELECT usage FROM owo_check('acme', 'calls');
BEGIN;
INSERT INTO project VALUES (11, 'acme', 9);
INSERT INTO project VALUES (12, 'acme', 9);
COMMIT;
SELECT usage FROM owo_check('acme', 'calls');
DROP TRIGGER t ON project;

-- ordinary triggers rest where session_replication_role says replica; ENABLE ALWAYS ones do not
CREATE TRIGGER t AFTER INSERT ON project FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=calls', 'customer=org');
SET ROLE postgres;
SET session_replication_role = replica;
INSERT INTO project VALUES (20, 'acme');
SELECT usage FROM owo_check('acme', 'calls');
ALTER TABLE project ENABLE ALWAYS TRIGGER t;
INSERT INTO project VALUES (21, 'acme');
SELECT usage FROM owo_check('acme', 'calls');
RESET session_replication_role;
RESET ROLE;
-- a value of one and what other triggers of the same statement did are counted together
CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM owo_consume(NEW.org, 'calls'); RETURN NULL; END $$;
CREATE TRIGGER also AFTER INSERT ON project FOR EACH ROW EXECUTE FUNCTION also();
INSERT INTO project VALUES (22, 'acme'), (23, 'acme');
SELECT usage FROM owo_check('acme', 'calls');
DROP TRIGGER also ON project;
INSERT INTO project VALUES (22, 'acme');
SELECT usage FROM owo_check('acme', 'calls');
-- nothing is prepared that has counted
BEGIN;
INSERT INTO project VALUES (24, 'acme');
PREPARE TRANSACTION 'p';
ROLLBACK;

-- whose rights: the table owner's, whoever writes, whatever the session says
SET ROLE owo_nobody;
INSERT INTO project VALUES (30, 'acme');
RESET ROLE;
SET ROLE postgres;
SELECT slug FROM owo_organization('north', environment => 'sandbox');
SET owostack.organization = 'north';
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "p", "autoEnable": true, "features": [{"slug": "calls", "limit": 100}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
TRUNCATE project;
INSERT INTO project VALUES (31, 'acme');
SELECT usage FROM owo_check('acme', 'calls');
SELECT owo_grant_role('owo_app', 'none');
SELECT owo_grant_role('owo_app', 'app', 'north');
INSERT INTO project VALUES (32, 'acme');
RESET ROLE;
INSERT INTO project VALUES (32, 'acme');
\set VERBOSITY default
INSERT INTO project VALUES (32, 'acme');
\set VERBOSITY sqlstate
DROP TRIGGER t ON project;
CREATE TRIGGER t AFTER INSERT ON project FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=calls', 'customer=org', 'organization=north');
SET owostack.organization = 'default';
INSERT INTO project VALUES (32, 'acme');
SET owostack.organization = 'north';
SELECT usage FROM owo_check('acme', 'calls');
SET ROLE postgres;
SELECT owo_grant_role('owo_app', 'reader', 'north');
INSERT INTO project VALUES (33, 'acme');
ALTER TABLE project OWNER TO owo_admin;
INSERT INTO project VALUES (33, 'acme');
SELECT usage FROM owo_check('acme', 'calls');
SELECT * FROM owo_verify();
