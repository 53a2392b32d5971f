-- Slots taken and freed by rows: each form of statement on a table in statement mode (project) and on one in row
-- mode (folder), by the tables' owner and by a role that holds nothing of owostack. After each step the slots are
-- the rows; a denied statement changes neither.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "projects", "type": "entity"}, {"slug": "folders", "type": "entity"}],
  "plans": [{"slug": "free", "autoEnable": true,
             "features": [{"slug": "projects", "limit": 4}, {"slug": "folders", "limit": 4}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta', 'Zeta@zeta.test');

CREATE TABLE project (id int PRIMARY KEY, org text, name text);
CREATE TABLE folder (LIKE project INCLUDING ALL);
SELECT owo_enforce_table('project', 'projects', 'org', 'id');
SELECT owo_enforce_table('folder', 'folders', 'org', 'id', mode => 'row');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON project, folder TO owo_nobody;
CREATE VIEW kept AS SELECT 'project' AS kept, id::text, org FROM project UNION ALL SELECT 'folder', id::text, org FROM folder;
CREATE VIEW slot AS
SELECT f.kept, c.key AS org, e.entity AS id
FROM (VALUES ('project', 'projects'), ('folder', 'folders')) AS f (kept, feature), (VALUES ('acme'), ('zeta')) AS c (key),
     owo_entities(c.key, f.feature) AS e;
CREATE VIEW state AS SELECT kept, org, count(*) AS slots, string_agg(id, ' ' ORDER BY id::int) AS ids FROM slot GROUP BY 1, 2;
-- rows without slot and slots without row
CREATE VIEW wrong AS
(SELECT kept, org, id FROM kept EXCEPT SELECT kept, org, id FROM slot)
UNION ALL (SELECT kept, org, id FROM slot EXCEPT SELECT kept, org, id FROM kept);

-- INSERT, one row and several, to the limit and past it
INSERT INTO project VALUES (1, 'acme'), (2, 'acme'), (3, 'acme');
INSERT INTO folder VALUES (1, 'acme'), (2, 'acme'), (3, 'acme');
INSERT INTO project SELECT n, 'acme' FROM generate_series(10, 11) AS n;
INSERT INTO folder SELECT n, 'acme' FROM generate_series(10, 11) AS n;
INSERT INTO project VALUES (4, 'acme'), (5, 'zeta');
INSERT INTO folder VALUES (4, 'acme'), (5, 'zeta');
INSERT INTO project VALUES (6, 'acme');
INSERT INTO folder VALUES (6, 'acme');
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- who writes needs nothing of owostack
SET ROLE owo_nobody;
INSERT INTO project VALUES (6, 'zeta'), (7, 'zeta');
INSERT INTO folder VALUES (6, 'zeta'), (7, 'zeta');
INSERT INTO project VALUES (8, 'acme');
INSERT INTO folder VALUES (8, 'acme');
DELETE FROM project WHERE id = 7;
DELETE FROM folder WHERE id = 7;
UPDATE project SET org = 'acme' WHERE id = 6;
UPDATE folder SET org = 'acme' WHERE id = 6;
UPDATE project SET org = 'zeta' WHERE id = 4;
UPDATE folder SET org = 'zeta' WHERE id = 4;
RESET ROLE;
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- INSERT .. ON CONFLICT counts what is written, not what is dropped
INSERT INTO project VALUES (1, 'acme'), (2, 'acme'), (20, 'acme') ON CONFLICT DO NOTHING;
INSERT INTO folder VALUES (1, 'acme'), (2, 'acme'), (20, 'acme') ON CONFLICT DO NOTHING;
INSERT INTO project VALUES (1, 'acme'), (20, 'acme') ON CONFLICT (id) DO UPDATE SET name = 'again';
INSERT INTO folder VALUES (1, 'acme'), (20, 'acme') ON CONFLICT (id) DO UPDATE SET name = 'again';
INSERT INTO project VALUES (20, 'acme'), (21, 'acme') ON CONFLICT (id) DO UPDATE SET name = 'denied';
INSERT INTO folder VALUES (20, 'acme'), (21, 'acme') ON CONFLICT (id) DO UPDATE SET name = 'denied';
INSERT INTO project VALUES (20, 'zeta') ON CONFLICT (id) DO UPDATE SET org = excluded.org;
INSERT INTO folder VALUES (20, 'zeta') ON CONFLICT (id) DO UPDATE SET org = excluded.org;
SELECT name, count(*) FROM (SELECT name FROM project UNION ALL SELECT name FROM folder) AS x GROUP BY 1 ORDER BY 1;
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- COPY
COPY project FROM stdin;
30	zeta	\N
\.
COPY folder FROM stdin;
30	zeta	\N
\.
COPY project FROM stdin;
31	acme	\N
32	acme	\N
\.
COPY folder FROM stdin;
31	acme	\N
32	acme	\N
\.
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- UPDATE of what is not counted, of the entity column, of the customer column, there and back, one for another
UPDATE project SET name = 'x';
UPDATE folder SET name = 'x';
UPDATE project SET id = id + 100;
UPDATE folder SET id = id + 100;
UPDATE project SET org = CASE org WHEN 'acme' THEN 'zeta' ELSE 'acme' END;
UPDATE folder SET org = CASE org WHEN 'acme' THEN 'zeta' ELSE 'acme' END;
SELECT * FROM state ORDER BY 1, 2;
UPDATE project SET org = 'acme';
UPDATE folder SET org = 'acme';
UPDATE project SET org = 'ZETA@zeta.test' WHERE id = 101;
UPDATE folder SET org = 'ZETA@zeta.test' WHERE id = 101;
UPDATE project SET org = 'zeta' WHERE id = 101;
UPDATE folder SET org = 'zeta' WHERE id = 101;
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- MERGE
MERGE INTO project AS p USING (VALUES (101, 'acme'), (102, 'acme'), (200, 'acme')) AS s (id, org) ON p.id = s.id
WHEN MATCHED AND p.id = 101 THEN DELETE WHEN MATCHED THEN UPDATE SET name = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.org);
MERGE INTO folder AS p USING (VALUES (101, 'acme'), (102, 'acme'), (200, 'acme')) AS s (id, org) ON p.id = s.id
WHEN MATCHED AND p.id = 101 THEN DELETE WHEN MATCHED THEN UPDATE SET name = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.org);
MERGE INTO project AS p USING generate_series(300, 303) AS s (id) ON p.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'acme');
MERGE INTO folder AS p USING generate_series(300, 303) AS s (id) ON p.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'acme');
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- no customer, no such customer, no entity
INSERT INTO project VALUES (400, NULL);
INSERT INTO folder VALUES (400, NULL);
INSERT INTO project VALUES (400, 'nobody');
INSERT INTO folder VALUES (400, 'nobody');
UPDATE project SET org = NULL;
UPDATE folder SET org = NULL;
UPDATE project SET org = 'nobody';
UPDATE folder SET org = 'nobody';
\set VERBOSITY default
INSERT INTO project SELECT n, 'acme' FROM generate_series(500, 509) AS n;
INSERT INTO folder SELECT n, 'acme' FROM generate_series(500, 509) AS n;
INSERT INTO project VALUES (400, 'nobody');
INSERT INTO project VALUES (400, NULL);
\set VERBOSITY sqlstate
SELECT * FROM wrong;

-- undone with their transaction or savepoint
BEGIN;
DELETE FROM project;
DELETE FROM folder;
SAVEPOINT a;
INSERT INTO project SELECT n, 'zeta' FROM generate_series(1, 4) AS n;
INSERT INTO folder SELECT n, 'zeta' FROM generate_series(1, 4) AS n;
ROLLBACK TO a;
INSERT INTO project SELECT n, 'acme' FROM generate_series(1, 4) AS n;
INSERT INTO folder SELECT n, 'acme' FROM generate_series(1, 4) AS n;
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;
ROLLBACK;
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- foreign keys: cascades are statements of their own
CREATE TABLE org (key text PRIMARY KEY);
INSERT INTO org VALUES ('acme'), ('zeta');
ALTER TABLE project ADD FOREIGN KEY (org) REFERENCES org ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE folder ADD FOREIGN KEY (org) REFERENCES org ON DELETE CASCADE ON UPDATE CASCADE;
INSERT INTO project VALUES (1, 'zeta'), (2, 'zeta');
INSERT INTO folder VALUES (1, 'zeta'), (2, 'zeta');
UPDATE org SET key = 'nobody' WHERE key = 'zeta';
DELETE FROM org WHERE key = 'acme';
SELECT * FROM state ORDER BY 1, 2;
UPDATE org SET key = 'acme' WHERE key = 'zeta';
SELECT * FROM state ORDER BY 1, 2;
SELECT * FROM wrong;

-- TRUNCATE frees all, also by a role that may not read
REVOKE SELECT ON project, folder FROM owo_nobody;
SET ROLE owo_nobody;
TRUNCATE project, folder;
RESET ROLE;
SELECT * FROM state ORDER BY 1, 2;
TRUNCATE org CASCADE;

-- what was added by call is not taken twice, and statements that touch nothing ask nobody
INSERT INTO org VALUES ('acme');
SELECT count FROM owo_entity_add('acme', 'projects', '1');
INSERT INTO project VALUES (1, 'acme');
SELECT * FROM state ORDER BY 1, 2;
UPDATE project SET org = 'nobody' WHERE false;
DELETE FROM project WHERE false;
SELECT type, count(*) > 0 AS told FROM owo.event WHERE type LIKE 'entity.%' GROUP BY 1 ORDER BY 1;
SET ROLE owo_admin;
SELECT * FROM owo_verify();
