-- owo_enforce_table and owo_unenforce_table: what they ask for, make and undo.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "projects", "type": "entity"}, {"slug": "seats", "type": "entity"}, {"slug": "calls"}, {"slug": "Odd ''name\" \\ ü", "type": "entity"},
               {"slug": "sso", "type": "boolean"}, {"slug": "region", "type": "static", "default": "eu"}],
  "plans": [{"slug": "free", "autoEnable": true,
             "features": [{"slug": "projects", "limit": 2}, {"slug": "seats", "limit": 2}, {"slug": "calls", "limit": 20},
                          {"slug": "Odd ''name\" \\ ü", "limit": 1}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');
CREATE TABLE project (id int PRIMARY KEY, org text, tokens int DEFAULT 1, note text, flag boolean, UNIQUE (org, note));
CREATE VIEW made AS
SELECT tgrelid::regclass AS on_table, tgname, pg_get_triggerdef(oid) ~ 'EACH ROW' AS each_row,
       substring(pg_get_triggerdef(oid) FROM '(BEFORE|AFTER) .* ON ') AS timing,
       string_to_array(encode(tgargs, 'escape'), '\000') AS arguments
FROM pg_trigger WHERE tgparentid = 0 AND tgname LIKE 'owo%';
CREATE VIEW enforced AS SELECT f.slug, table_schema, table_name, mode, customer_column, entity_column, value_expression
FROM owo.enforced_table JOIN owo.feature AS f ON f.id = feature_id;

-- arguments
SELECT owo_enforce_table(NULL, 'projects', 'org', 'id');
SELECT owo_enforce_table('project', NULL, 'org', 'id');
SELECT owo_enforce_table('project', 'projects', NULL, 'id');
SELECT owo_enforce_table('project', 'projects', 'org', 'id', NULL);
SELECT owo_enforce_table('project', 'projects', 'org', 'id', backfill => NULL);
SELECT owo_enforce_table('nowhere', 'projects', 'org', 'id');
SELECT owo_enforce_table(0, 'projects', 'org', 'id');
SELECT owo_enforce_table('project', '', 'org', 'id');
SELECT owo_enforce_table('project', 'unknown', 'org', 'id');
SELECT owo_enforce_table('project', 'sso', 'org', 'id');
SELECT owo_enforce_table('project', 'region', 'org', 'id');
SELECT owo_enforce_table('project', 'projects', 'nowhere', 'id');
SELECT owo_enforce_table('project', 'projects', 'ctid', 'id');
SELECT owo_enforce_table('project', 'projects', 'org', 'nowhere');
SELECT owo_enforce_table('project', 'projects', 'org', 'id', mode => 'sometimes');
SELECT owo_enforce_table('project', 'projects', 'org', 'id', organization => 'nowhere');
-- an entity feature needs a column that is unique, at once and for all rows
SELECT owo_enforce_table('project', 'projects', 'org');
SELECT owo_enforce_table('project', 'projects', 'org', 'tokens');
CREATE UNIQUE INDEX one ON project (tokens) WHERE tokens > 1;
SELECT owo_enforce_table('project', 'projects', 'org', 'tokens');
DROP INDEX one;
CREATE UNIQUE INDEX one ON project ((tokens + 1));
SELECT owo_enforce_table('project', 'projects', 'org', 'tokens');
DROP INDEX one;
ALTER TABLE project ADD CONSTRAINT late UNIQUE (tokens) DEFERRABLE;
SELECT owo_enforce_table('project', 'projects', 'org', 'tokens');
ALTER TABLE project DROP CONSTRAINT late, ADD CONSTRAINT wide UNIQUE (tokens, id);
SELECT owo_enforce_table('project', 'projects', 'org', 'tokens');
ALTER TABLE project DROP CONSTRAINT wide;
-- one value from one row
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'nonsense');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'tokens +');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'flag');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'sum(tokens)');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'tokens, 2');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'generate_series(1, 2)');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => 'row_number() OVER ()');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => '1), (2');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => '1); DROP TABLE project; SELECT (1');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => '1) FROM project LIMIT (1');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => '1 /*');
SELECT * FROM made;
SELECT * FROM enforced;

-- not a table, not an enforceable one, not one's own
CREATE VIEW v AS SELECT * FROM project;
CREATE MATERIALIZED VIEW m AS SELECT * FROM project;
CREATE TEMP TABLE passing (id int PRIMARY KEY, org text);
SELECT owo_enforce_table('v', 'projects', 'org', 'id');
SELECT owo_enforce_table('m', 'projects', 'org', 'id');
SELECT owo_enforce_table('passing', 'projects', 'org', 'id');
SET ROLE postgres;
SELECT owo_enforce_table('owo.entity', 'projects', 'customer_id', 'key');
SELECT owo_enforce_table('pg_class', 'projects', 'relname', 'oid');
SET ROLE owo_admin;
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
SELECT owo_unenforce_table('project');
SET ROLE owo_reader;
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
SELECT owo_unenforce_table('project');
RESET ROLE;

-- what it makes, in statement and in row mode; again in place of the first
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
SELECT owo_enforce_table('project', 'calls', 'ORG', value_expression => 'tokens');
SELECT * FROM made ORDER BY 2;
SELECT * FROM enforced ORDER BY 1;
SELECT owo_enforce_table('project', 'projects', 'org', 'id', mode => 'row');
SELECT owo_enforce_table('project', 'calls', 'org', value_expression => $$length(note) * 2 -- the longer the dearer$$, mode => 'row');
SELECT * FROM made ORDER BY 2;
SELECT * FROM enforced ORDER BY 1;
INSERT INTO project VALUES (1, 'acme', 1, 'four');
SELECT usage FROM owo_check('acme', 'calls');

-- an entity feature counts one table; another takes it over when the first is gone or lets go
CREATE TABLE second (id int PRIMARY KEY, org text);
SELECT owo_enforce_table('second', 'projects', 'org', 'id');
SELECT owo_unenforce_table('project', 'projects');
SELECT owo_enforce_table('second', 'projects', 'org', 'id');
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
INSERT INTO second VALUES (2, 'acme');
INSERT INTO second VALUES (3, 'acme');
ALTER TABLE second RENAME TO third;
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
SELECT topic, subject, message FROM owo.health WHERE topic <> 'worker';
INSERT INTO third VALUES (3, 'zeta');
SELECT table_name FROM enforced WHERE slug = 'projects';
SELECT topic, subject, message FROM owo.health WHERE topic <> 'worker';
DROP TABLE third;
SELECT topic, subject, message FROM owo.health WHERE topic <> 'worker';
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
-- what was counted stayed
SELECT entity, count FROM owo_entities('acme', 'projects');
-- a metered feature counts any number of tables
CREATE TABLE call (org text);
SELECT owo_enforce_table('call', 'calls', 'org');
INSERT INTO call VALUES ('acme'), ('acme');
SELECT usage FROM owo_check('acme', 'calls');
SELECT table_name FROM enforced WHERE slug = 'calls' ORDER BY 1;

-- backfill: rows that are there take their slots, above the limit too
CREATE TABLE member (org text, id text, PRIMARY KEY (org, id));
INSERT INTO member SELECT 'acme', n::text FROM generate_series(1, 4) AS n UNION ALL SELECT 'zeta', '1';
SELECT owo_enforce_table('member', 'seats', 'org', 'id');
SELECT customer, feature, usage, usage_limit FROM owo.entitlement_now WHERE feature = 'seats' ORDER BY 1;
SELECT topic, subject, message FROM owo.health WHERE topic <> 'worker';
INSERT INTO member VALUES ('acme', 'one more');
UPDATE member SET id = 'x' WHERE org = 'acme' AND id = '1';
UPDATE member SET org = 'acme' WHERE org = 'zeta';
DELETE FROM member WHERE org = 'acme' AND id IN ('2', '3');
INSERT INTO member VALUES ('acme', 'one more');
DELETE FROM member WHERE org = 'acme' AND id = '4';
INSERT INTO member VALUES ('acme', 'one more');
SELECT entity FROM owo_entities('acme', 'seats') ORDER BY 1;
SELECT * FROM owo.health WHERE topic <> 'worker';
-- twice is once; without backfill rows are not counted, and a deleted one frees nothing
SELECT owo_enforce_table('member', 'seats', 'org', 'id');
SELECT count FROM owo_entities('acme', 'seats');
SELECT owo_unenforce_table('member');
SELECT owo_unenforce_table('member');
INSERT INTO member VALUES ('zeta', '2'), ('zeta', '3'), ('nobody', '1');
SELECT owo_enforce_table('member', 'seats', 'org', 'id');
SELECT owo_enforce_table('member', 'seats', 'org', 'id', backfill => false);
SELECT entity FROM owo_entities('zeta', 'seats');
DELETE FROM member WHERE id = '3' OR org = 'nobody';
DELETE FROM member WHERE org = 'zeta';
SELECT entity FROM owo_entities('zeta', 'seats');
-- policies of the table hide nothing from backfill, forced or not
INSERT INTO member VALUES ('zeta', '7');
SELECT owo_unenforce_table('member');
INSERT INTO member VALUES ('zeta', '8');
ALTER TABLE member ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT owo_enforce_table('member', 'seats', 'org', 'id');
SELECT entity FROM owo_entities('zeta', 'seats') ORDER BY 1;
ALTER TABLE member DISABLE TRIGGER USER;
SELECT topic, subject, message FROM owo.health WHERE topic <> 'worker';

-- another schema, names that need quotes, a customer column that is a uuid
SET ROLE postgres;
CREATE SCHEMA "My Shop" AUTHORIZATION owo_app;
RESET ROLE;
CREATE TABLE "My Shop"."Project ""1""" ("The Id" int PRIMARY KEY, "Org" uuid, "Size of It" int);
SELECT key FROM owo_customer('0f0f0f0f-0000-4000-8000-000000000001');
SELECT owo_enforce_table('"My Shop"."Project ""1"""', E'Odd ''name" \\ ü', 'Org', 'The Id');
SELECT owo_enforce_table('"My Shop"."Project ""1"""', 'calls', '"Org"', value_expression => '"Size of It" + "Project ""1"""."Size of It"');
INSERT INTO "My Shop"."Project ""1""" VALUES (1, '0F0F0F0F-0000-4000-8000-000000000001', 3);
INSERT INTO "My Shop"."Project ""1""" VALUES (2, '0F0F0F0F-0000-4000-8000-000000000001', 3);
SELECT entity FROM owo_entities('0f0f0f0f-0000-4000-8000-000000000001');
SELECT usage FROM owo_check('0f0f0f0f-0000-4000-8000-000000000001', 'calls');
SELECT tgname, arguments FROM made WHERE on_table::text LIKE '%Project%' ORDER BY 1;
SELECT * FROM enforced WHERE table_schema = 'My Shop' ORDER BY 1;
-- a renamed column stops the table until it is enforced again
ALTER TABLE "My Shop"."Project ""1""" RENAME "Org" TO tenant;
INSERT INTO "My Shop"."Project ""1""" VALUES (2, '0F0F0F0F-0000-4000-8000-000000000001', 3);
SELECT owo_enforce_table('"My Shop"."Project ""1"""', E'Odd ''name" \\ ü', 'tenant', 'The Id');
SELECT owo_enforce_table('"My Shop"."Project ""1"""', 'calls', 'tenant');
DELETE FROM "My Shop"."Project ""1""";
INSERT INTO "My Shop"."Project ""1""" VALUES (2, '0F0F0F0F-0000-4000-8000-000000000001', 3);
SELECT entity FROM owo_entities('0f0f0f0f-0000-4000-8000-000000000001');

-- the organization of the call is written into the trigger; the session's setting is not asked later
SET ROLE postgres;
SELECT slug FROM owo_organization('north', environment => 'sandbox');
SELECT slug FROM owo_organization('south', environment => 'sandbox');
SET owostack.organization = 'north';
SELECT owo_sync('{"features": [{"slug": "rooms", "type": "entity"}], "plans": [{"slug": "p", "autoEnable": true, "features": [{"slug": "rooms", "limit": 1}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
RESET ROLE;
CREATE TABLE room (id int PRIMARY KEY, org text);
SELECT owo_enforce_table('room', 'rooms', 'org', 'id');
SET owostack.organization = 'south';
INSERT INTO room VALUES (1, 'acme');
INSERT INTO room VALUES (2, 'acme');
SELECT tgname, arguments FROM made WHERE on_table = 'room'::regclass ORDER BY 1 LIMIT 1;
SELECT owo_enforce_table('room', 'rooms', 'org', 'id');
SELECT owo_enforce_table('room', 'rooms', 'org', 'id', organization => 'north', mode => 'row');
INSERT INTO room VALUES (2, 'acme');
SET owostack.organization = 'north';
SELECT entity FROM owo_entities('acme');
SET ROLE owo_admin;
SELECT * FROM owo_verify();
