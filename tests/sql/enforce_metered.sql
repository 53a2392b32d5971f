-- Units consumed by rows: each form of statement on a table in statement mode (job) and on one in row mode (task).
-- INSERT consumes the value, UPDATE the difference, DELETE nothing unless the trigger says returns=true.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
SELECT owo_clock_set('2027-01-10 00:00+00') AS clock;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "jobs"}, {"slug": "tasks"}, {"slug": "words"}, {"slug": "seats", "type": "entity"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "words", "creditCost": 0.5}]}],
  "plans": [{"slug": "free", "autoEnable": true,
             "features": [{"slug": "jobs", "limit": 100}, {"slug": "tasks", "limit": 100}, {"slug": "credits", "limit": 10},
                          {"slug": "seats", "limit": 2}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');

CREATE TABLE job (id int PRIMARY KEY, org text, cost numeric NOT NULL DEFAULT 1, note text);
CREATE TABLE task (LIKE job INCLUDING ALL);
INSERT INTO job VALUES (-1, 'acme', 50);
INSERT INTO task VALUES (-1, 'acme', 50);
SELECT owo_enforce_table('job', 'jobs', 'org', value_expression => 'cost');
SELECT owo_enforce_table('task', 'tasks', 'org', value_expression => 'cost', mode => 'row');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON job, task TO owo_nobody;
CREATE VIEW used AS
SELECT c.org, (owo_check(c.org, 'jobs', 0)).usage AS jobs, (owo_check(c.org, 'tasks', 0)).usage AS tasks
FROM (VALUES ('acme'), ('zeta')) AS c (org);
-- rows that were there cost nothing
SELECT * FROM used ORDER BY 1;

-- INSERT, by owner and stranger, to the limit and past it
INSERT INTO job VALUES (1, 'acme', 10), (2, 'acme', 20.5), (3, 'zeta', 5);
INSERT INTO task VALUES (1, 'acme', 10), (2, 'acme', 20.5), (3, 'zeta', 5);
SET ROLE owo_nobody;
INSERT INTO job VALUES (4, 'acme', 9.5);
INSERT INTO task VALUES (4, 'acme', 9.5);
INSERT INTO job VALUES (5, 'acme', 30), (6, 'acme', 31);
INSERT INTO task VALUES (5, 'acme', 30), (6, 'acme', 31);
RESET ROLE;
SELECT * FROM used ORDER BY 1;

-- ON CONFLICT: what is dropped costs nothing, what is updated the difference
INSERT INTO job VALUES (1, 'acme', 60), (7, 'acme', 1) ON CONFLICT DO NOTHING;
INSERT INTO task VALUES (1, 'acme', 60), (7, 'acme', 1) ON CONFLICT DO NOTHING;
INSERT INTO job VALUES (1, 'acme', 12), (8, 'acme', 1) ON CONFLICT (id) DO UPDATE SET cost = excluded.cost;
INSERT INTO task VALUES (1, 'acme', 12), (8, 'acme', 1) ON CONFLICT (id) DO UPDATE SET cost = excluded.cost;
INSERT INTO job VALUES (1, 'acme', 90) ON CONFLICT (id) DO UPDATE SET cost = excluded.cost;
INSERT INTO task VALUES (1, 'acme', 90) ON CONFLICT (id) DO UPDATE SET cost = excluded.cost;
SELECT * FROM used ORDER BY 1;

-- UPDATE: up, down, not at all, too far, to another customer
UPDATE job SET cost = cost + 1 WHERE id IN (1, 2);
UPDATE task SET cost = cost + 1 WHERE id IN (1, 2);
UPDATE job SET cost = cost - 2 WHERE id = 1;
UPDATE task SET cost = cost - 2 WHERE id = 1;
UPDATE job SET note = 'x';
UPDATE task SET note = 'x';
UPDATE job SET cost = 1000 WHERE id = 1;
UPDATE task SET cost = 1000 WHERE id = 1;
SELECT * FROM used ORDER BY 1;
UPDATE job SET org = 'zeta' WHERE id = 1;
UPDATE task SET org = 'zeta' WHERE id = 1;
UPDATE job SET org = 'zeta', cost = 7 WHERE id = 2;
UPDATE task SET org = 'zeta', cost = 7 WHERE id = 2;
SELECT * FROM used ORDER BY 1;

-- what balances within one customer is one sum in statement mode, and row by row in row mode
UPDATE job SET cost = CASE id WHEN 1 THEN 0 WHEN 2 THEN 90 END WHERE id IN (1, 2);
UPDATE task SET cost = CASE id WHEN 1 THEN 0 WHEN 2 THEN 90 END WHERE id IN (1, 2);
SELECT * FROM used ORDER BY 1;

-- DELETE and TRUNCATE give nothing back
DELETE FROM job WHERE org = 'acme';
DELETE FROM task WHERE org = 'acme';
TRUNCATE job, task;
SELECT * FROM used ORDER BY 1;

-- MERGE and COPY
MERGE INTO job AS t USING (VALUES (1, 2), (2, 3)) AS s (id, cost) ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'acme', s.cost);
MERGE INTO task AS t USING (VALUES (1, 2), (2, 3)) AS s (id, cost) ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'acme', s.cost);
MERGE INTO job AS t USING (VALUES (1, 4), (3, 1)) AS s (id, cost) ON t.id = s.id
WHEN MATCHED THEN UPDATE SET cost = s.cost WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'acme', s.cost);
MERGE INTO task AS t USING (VALUES (1, 4), (3, 1)) AS s (id, cost) ON t.id = s.id
WHEN MATCHED THEN UPDATE SET cost = s.cost WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'acme', s.cost);
SELECT * FROM used ORDER BY 1;
COPY job FROM stdin;
10	acme	1	\N
11	acme	2	\N
\.
COPY task FROM stdin;
10	acme	1	\N
11	acme	2	\N
\.
COPY job FROM stdin;
12	acme	1	\N
13	acme	99	\N
\.
COPY task FROM stdin;
12	acme	1	\N
13	acme	99	\N
\.
SELECT * FROM used ORDER BY 1;
-- one row of the record for each customer and statement, or row
SELECT feature, count(*), sum(quantity) FROM owo.usage GROUP BY 1 ORDER BY 1;

-- values that are none
ALTER TABLE job ALTER cost DROP NOT NULL;
ALTER TABLE task ALTER cost DROP NOT NULL;
INSERT INTO job VALUES (20, 'acme', NULL);
INSERT INTO task VALUES (20, 'acme', NULL);
INSERT INTO job VALUES (20, 'acme', 'NaN');
INSERT INTO task VALUES (20, 'acme', 'NaN');
INSERT INTO job VALUES (20, 'acme', 'infinity');
INSERT INTO task VALUES (20, 'acme', 'infinity');
INSERT INTO job VALUES (20, 'acme', 0.0000000001);
INSERT INTO task VALUES (20, 'acme', 0.0000000001);
INSERT INTO job VALUES (20, 'acme', 1e30);
INSERT INTO task VALUES (20, 'acme', 1e30);
UPDATE job SET cost = NULL;
UPDATE task SET cost = NULL;
INSERT INTO job VALUES (20, NULL, 1);
INSERT INTO task VALUES (20, NULL, 1);
INSERT INTO job VALUES (20, 'nobody', 0);
INSERT INTO task VALUES (20, 'nobody', 0);
-- nothing asked, and a return
INSERT INTO job VALUES (20, 'acme', 0), (21, 'acme', -1);
INSERT INTO task VALUES (20, 'acme', 0), (21, 'acme', -1);
SELECT * FROM used ORDER BY 1;

-- a return takes at most what the running period holds
SET ROLE owo_admin;
SELECT owo_clock_advance('1 month') AS clock;
RESET ROLE;
UPDATE job SET cost = 3 WHERE id = 20;
UPDATE task SET cost = 3 WHERE id = 20;
SELECT * FROM used ORDER BY 1;
UPDATE job SET cost = 0;
UPDATE task SET cost = 0;
SELECT * FROM used ORDER BY 1;

-- returns=true: DELETE, TRUNCATE and a change of customer give back
SELECT owo_unenforce_table('job');
SELECT owo_unenforce_table('task');
TRUNCATE job, task;
CREATE TRIGGER a_row AFTER INSERT OR UPDATE OR DELETE ON task FOR EACH ROW
    EXECUTE FUNCTION owo_enforce('feature=tasks', 'customer=org', 'value=cost', 'returns=true', 'organization=shop');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON task FOR EACH STATEMENT
    EXECUTE FUNCTION owo_enforce('feature=tasks', 'customer=org', 'value=cost', 'returns=true', 'organization=shop');
INSERT INTO task VALUES (1, 'acme', 10), (2, 'acme', 20), (3, 'acme', 30);
DELETE FROM task WHERE id = 1;
UPDATE task SET org = 'zeta', cost = 25 WHERE id = 2;
SELECT * FROM used ORDER BY 1;
TRUNCATE task;
SELECT * FROM used ORDER BY 1;
INSERT INTO task VALUES (1, 'acme', 10);
SET ROLE owo_admin;
SELECT owo_clock_advance('1 month') AS clock;
RESET ROLE;
DELETE FROM task;
SELECT * FROM used ORDER BY 1;

-- credits behind a feature: what rows cost is paid in them
DROP TRIGGER a_row ON task;
SELECT owo_enforce_table('task', 'words', 'org', value_expression => 'length(note)');
INSERT INTO task VALUES (1, 'acme', 1, 'twelve words');
SELECT usage, balance FROM owo_check('acme', 'words', 0);
INSERT INTO task VALUES (2, 'acme', 1, 'more than eight');
UPDATE task SET note = 'ten';
SELECT usage, balance FROM owo_check('acme', 'words', 0);

-- several features on one table: if one denies, no other has counted
SELECT owo_enforce_table('job', 'jobs', 'org');
SELECT owo_enforce_table('job', 'seats', 'org', 'id');
INSERT INTO job SELECT n, 'acme' FROM generate_series(1, 2) AS n;
INSERT INTO job VALUES (3, 'acme');
SELECT jobs FROM used WHERE org = 'acme';
SELECT count FROM owo_entities('acme', 'seats');
UPDATE job SET id = id + 10;
DELETE FROM job WHERE id = 11;
SELECT jobs FROM used WHERE org = 'acme';
SELECT entity, count FROM owo_entities('acme', 'seats');

-- a generated column is a value, and an entity tags usage
CREATE TABLE page (id text PRIMARY KEY, org text, body text, size int GENERATED ALWAYS AS (length(body)) STORED);
SELECT owo_enforce_table('page', 'tasks', 'org', 'id', value_expression => 'size');
INSERT INTO page (id, org, body) VALUES ('12', 'acme', 'abc'), ('p', 'acme', 'abcdef');
INSERT INTO page (id, org, body) VALUES ('12', 'acme', 'abc');
UPDATE page SET body = 'abcd';
SELECT entity, sum(quantity) FROM owo.usage WHERE feature = 'tasks' AND entity IS NOT NULL GROUP BY 1;
SET ROLE owo_admin;
SELECT * FROM owo_verify();
