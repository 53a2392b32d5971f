-- Columns of many types name customers and entities alike in both modes, also after the table was altered in the
-- session that writes to it.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "a", "type": "entity"}, {"slug": "b", "type": "entity"}, {"slug": "units"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "a"}, {"slug": "b"}, {"slug": "units", "limit": 1000}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('7');
SELECT key FROM owo_customer('true');
SELECT key FROM owo_customer('Acme');
CREATE DOMAIN short AS varchar(20);
CREATE TYPE tenant AS ENUM ('acme', 'zeta');
-- one that takes two texts for the same, where the server knows any
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') THEN
        CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ELSE
        CREATE COLLATION loose FROM "C";
    END IF;
END
$$;
CREATE TABLE one (id int PRIMARY KEY, c short, d numeric(10, 2));
CREATE TABLE two (LIKE one INCLUDING ALL);
SELECT owo_enforce_table('one', 'a', 'c', 'id');
SELECT owo_enforce_table('two', 'b', 'c', 'id', mode => 'row');
SELECT owo_enforce_table('one', 'units', 'c', value_expression => 'd');
SELECT owo_enforce_table('two', 'units', 'c', value_expression => 'd * 1', mode => 'row');
CREATE VIEW state AS
SELECT c.key, (SELECT string_agg(entity, ' ' ORDER BY entity) FROM owo_entities(c.key, 'a')) AS a,
       (SELECT string_agg(entity, ' ' ORDER BY entity) FROM owo_entities(c.key, 'b')) AS b, (owo_check(c.key, 'units', 0)).usage AS units
FROM (VALUES ('acme'), ('7'), ('true'), ('Acme')) AS c (key);

INSERT INTO one VALUES (1, 'acme', 1.5);
INSERT INTO two VALUES (1, 'acme', 1.5);
SELECT * FROM state WHERE key = 'acme';
-- another column, one less, another type
ALTER TABLE one ADD extra text, DROP d, ADD d int DEFAULT 2;
ALTER TABLE two ADD extra text, DROP d, ADD d int DEFAULT 2;
INSERT INTO one VALUES (2, 'acme');
INSERT INTO two VALUES (2, 'acme');
SELECT * FROM state WHERE key = 'acme';
ALTER TABLE one ALTER c TYPE char(10);
ALTER TABLE two ALTER c TYPE char(10);
INSERT INTO one VALUES (3, 'acme');
INSERT INTO two VALUES (3, 'acme');
UPDATE one SET d = 3 WHERE id = 1;
UPDATE two SET d = 3 WHERE id = 1;
SELECT * FROM state WHERE key = 'acme';
ALTER TABLE one ALTER c TYPE tenant USING trim(c)::tenant;
ALTER TABLE two ALTER c TYPE tenant USING trim(c)::tenant;
INSERT INTO one VALUES (4, 'acme');
INSERT INTO two VALUES (4, 'acme');
DELETE FROM one WHERE id = 3;
DELETE FROM two WHERE id = 3;
SELECT * FROM state WHERE key = 'acme';
TRUNCATE one, two;
ALTER TABLE one ALTER c TYPE int USING 7, ALTER id TYPE uuid USING '00000000-0000-4000-8000-000000000000';
ALTER TABLE two ALTER c TYPE int USING 7, ALTER id TYPE uuid USING '00000000-0000-4000-8000-000000000000';
INSERT INTO one VALUES ('A0000000-0000-4000-8000-000000000001', 7);
INSERT INTO two VALUES ('A0000000-0000-4000-8000-000000000001', 7);
SELECT * FROM state WHERE key = '7';
TRUNCATE one, two;
ALTER TABLE one ALTER c TYPE bool USING true, ALTER id TYPE name USING now(), ALTER d TYPE float8;
ALTER TABLE two ALTER c TYPE bool USING true, ALTER id TYPE name USING now(), ALTER d TYPE float8;
INSERT INTO one VALUES ('2027-01-01', true, NULL, 0.1);
INSERT INTO two VALUES ('2027-01-01', true, NULL, 0.1);
SELECT * FROM state WHERE key = 'true';
TRUNCATE one, two;
-- collations do not make two customers one
ALTER TABLE one ALTER c TYPE text COLLATE loose, ALTER d TYPE int;
ALTER TABLE two ALTER c TYPE text COLLATE loose, ALTER d TYPE int;
INSERT INTO one VALUES ('2027-01-01', 'acme', NULL, 1), ('2027-01-02', 'Acme', NULL, 1);
INSERT INTO two VALUES ('2027-01-01', 'acme', NULL, 1), ('2027-01-02', 'Acme', NULL, 1);
UPDATE one SET c = 'Acme' WHERE id = '2027-01-01';
UPDATE two SET c = 'Acme' WHERE id = '2027-01-01';
SELECT key, a IS NULL AS no_a, b IS NULL AS no_b, units FROM state WHERE key ILIKE 'acme' ORDER BY 1;
-- out of bounds
INSERT INTO one VALUES ('2027-01-03', '', NULL, 1);
INSERT INTO two VALUES ('2027-01-03', '', NULL, 1);
INSERT INTO one VALUES ('2027-01-03', repeat('x', 400), NULL, 1);
INSERT INTO two VALUES ('2027-01-03', repeat('x', 400), NULL, 1);
ALTER TABLE one ALTER id TYPE text;
ALTER TABLE two ALTER id TYPE text;
INSERT INTO one VALUES (repeat('x', 300), 'acme', NULL, 1);
INSERT INTO two VALUES (repeat('x', 300), 'acme', NULL, 1);
INSERT INTO one VALUES ('', 'acme', NULL, 1);
INSERT INTO two VALUES ('', 'acme', NULL, 1);
-- what reads differently from session to session names nobody
CREATE DOMAIN later AS timestamptz;
CREATE TABLE three (id later PRIMARY KEY, c text, f float8 UNIQUE, d date UNIQUE, b bytea UNIQUE, i interval UNIQUE, a text[] UNIQUE, n numeric UNIQUE);
SELECT owo_unenforce_table('one');
SELECT owo_enforce_table('three', 'a', 'c', 'id');
SELECT owo_enforce_table('three', 'a', 'c', 'f');
SELECT owo_enforce_table('three', 'a', 'c', 'd');
SELECT owo_enforce_table('three', 'a', 'c', 'b');
SELECT owo_enforce_table('three', 'a', 'c', 'i');
SELECT owo_enforce_table('three', 'a', 'c', 'a');
SELECT owo_enforce_table('three', 'units', 'd');
CREATE TRIGGER t AFTER INSERT ON three FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=a', 'customer=c', 'entity=id');
INSERT INTO three VALUES ('2027-01-01', 'acme');
DROP TRIGGER t ON three;
SELECT owo_enforce_table('three', 'a', 'c', 'n');
INSERT INTO three (id, c, n) VALUES ('2027-01-01', 'acme', 1.50);
SELECT entity FROM owo_entities('acme', 'a');
SET ROLE owo_admin;
SELECT * FROM owo_verify();
