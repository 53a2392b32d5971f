-- Statements on a table whose columns are read without SQL count the same as on one where a query has to read them.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "a"}, {"slug": "b"}, {"slug": "c", "type": "entity"}, {"slug": "d", "type": "entity"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [
      {"slug": "a", "limit": 1000}, {"slug": "b", "limit": 1000}, {"slug": "c", "limit": 5}, {"slug": "d", "limit": 5}]}]}') -> 'success' AS success;
RESET ROLE;
SELECT count(owo_customer(c)) FROM unnest('{acme,zeta,7}'::text[]) AS c;

CREATE TABLE plain (id int PRIMARY KEY, org text, cost numeric, note text);
CREATE TABLE asked (LIKE plain INCLUDING ALL);
ALTER TABLE asked ALTER id TYPE numeric, ALTER org TYPE char(6);
SELECT owo_enforce_table('plain', 'a', 'org', value_expression => 'cost'), owo_enforce_table('plain', 'c', 'org', 'id');
SELECT owo_enforce_table('asked', 'b', 'org', value_expression => 'cost'), owo_enforce_table('asked', 'd', 'org', 'id');
CREATE VIEW state AS
SELECT k.key, (owo_check(k.key, 'a', 0)).usage AS plain, (owo_check(k.key, 'b', 0)).usage AS asked,
       (SELECT string_agg(entity, ' ' ORDER BY entity::int) FROM owo_entities(k.key, 'c')) AS plain_slots,
       (SELECT string_agg(entity, ' ' ORDER BY entity::int) FROM owo_entities(k.key, 'd')) AS asked_slots
FROM (VALUES ('acme'), ('zeta'), ('7')) AS k (key);
CREATE FUNCTION run(statement text, name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE replace(statement, 'job', name);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate;
END $$;
CREATE TABLE said (n serial, statement text);
INSERT INTO said (statement) VALUES
    ('INSERT INTO job VALUES (1, ''acme'', 10), (2, ''acme'', 20.5), (3, ''zeta'', 5), (4, ''7'', 0)'),
    ('UPDATE job SET cost = cost + 1'),
    ('UPDATE job SET note = ''x'''),
    ('UPDATE job SET cost = cost * 1.00'),
    ('UPDATE job SET cost = cost - 2 WHERE id <> 4'),
    ('UPDATE job SET org = CASE org WHEN ''acme'' THEN ''zeta'' ELSE ''acme'' END WHERE id <= 3'),
    ('UPDATE job SET id = 5 - id WHERE id IN (2, 3)'),
    ('UPDATE job SET id = 10 + id, cost = cost + 1 WHERE id <= 2'),
    ('UPDATE job SET cost = NULL WHERE id = 3'),
    ('UPDATE job SET org = NULL WHERE id = 3'),
    ('UPDATE job SET org = ''nobody'' WHERE id = 3'),
    ('UPDATE job SET cost = ''NaN'' WHERE id = 3'),
    ('UPDATE job SET cost = 1e30 WHERE id = 3'),
    ('UPDATE job SET cost = cost + 2000 WHERE id = 3'),
    ('INSERT INTO job VALUES (20, ''acme'', NULL)'),
    ('INSERT INTO job VALUES (20, NULL, 1)'),
    ('INSERT INTO job VALUES (20, ''acme'', 1e-12)'),
    ('INSERT INTO job VALUES (20, ''acme'', 0.0000000005), (21, ''acme'', 0.0000000005)'),
    ('UPDATE job SET cost = cost * 2 WHERE id IN (20, 21)'),
    ('INSERT INTO job SELECT n, ''7'', 1 FROM generate_series(30, 40) AS n'),
    ('INSERT INTO job SELECT n, ''7'', 1 FROM generate_series(30, 33) AS n'),
    ('INSERT INTO job VALUES (30, ''7'', 2), (50, ''zeta'', 3) ON CONFLICT (id) DO UPDATE SET cost = excluded.cost, org = ''zeta'''),
    ('WITH moved AS (UPDATE job SET org = ''zeta'' WHERE id = 31) UPDATE job SET note = ''y'' WHERE id = 32'),
    ('MERGE INTO job USING (VALUES (31, 9), (32, 8), (60, 7)) AS s (id, cost) ON job.id = s.id
        WHEN MATCHED AND s.id = 31 THEN DELETE WHEN MATCHED THEN UPDATE SET cost = s.cost WHEN NOT MATCHED THEN INSERT VALUES (s.id, ''acme'', s.cost)'),
    ('DELETE FROM job WHERE org = ''zeta'''),
    ('UPDATE job SET id = -id'),
    ('TRUNCATE job');
CREATE FUNCTION each() RETURNS TABLE (number int, plain text, asked text, used text, alike boolean) LANGUAGE plpgsql AS $$
DECLARE
    one said;
BEGIN
    FOR one IN SELECT * FROM said ORDER BY n LOOP
        number := one.n;
        plain := run(one.statement, 'plain');
        asked := run(one.statement, 'asked');
        SELECT string_agg(concat_ws(' ', s.key, trim_scale(s.plain), s.plain_slots), ', ' ORDER BY s.key),
               bool_and(s.plain = s.asked AND s.plain_slots IS NOT DISTINCT FROM s.asked_slots)
          INTO used, alike FROM state AS s;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM each();
SET ROLE owo_admin;
SELECT * FROM owo_verify();
