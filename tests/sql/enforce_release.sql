-- Rows of a feature that frees its slots at the end of the period: a deleted row keeps its slot until then, and a row
-- that comes back takes it up again.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00') AS clock;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "desks", "type": "entity", "freeAt": "period_end"}, {"slug": "chairs", "type": "entity", "freeAt": "period_end"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "desks", "limit": 3}, {"slug": "chairs", "limit": 3}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');
CREATE TABLE desk (id int PRIMARY KEY, org text);
CREATE TABLE chair (LIKE desk INCLUDING ALL);
SELECT owo_enforce_table('desk', 'desks', 'org', 'id');
SELECT owo_enforce_table('chair', 'chairs', 'org', 'id', mode => 'row');
CREATE VIEW slot AS SELECT c.key AS org, feature, string_agg(entity || CASE status WHEN 'active' THEN '' ELSE ' going' END, ', ' ORDER BY entity) AS entities
FROM (VALUES ('acme'), ('zeta')) AS c (key), owo_entities(c.key) GROUP BY 1, 2;
INSERT INTO desk SELECT n, 'acme' FROM generate_series(1, 3) AS n;
INSERT INTO chair SELECT n, 'acme' FROM generate_series(1, 3) AS n;
DELETE FROM desk WHERE id > 1;
DELETE FROM chair WHERE id > 1;
SELECT * FROM slot ORDER BY 1, 2;
INSERT INTO desk VALUES (4, 'acme');
INSERT INTO chair VALUES (4, 'acme');
INSERT INTO desk VALUES (2, 'acme');
INSERT INTO chair VALUES (2, 'acme');
UPDATE desk SET id = 3 WHERE id = 1;
UPDATE chair SET id = 3 WHERE id = 1;
UPDATE desk SET id = 5 WHERE id = 2;
UPDATE chair SET id = 5 WHERE id = 2;
UPDATE desk SET org = 'zeta' WHERE id = 2;
UPDATE chair SET org = 'zeta' WHERE id = 2;
SELECT * FROM slot ORDER BY 1, 2;
SET ROLE owo_admin;
SELECT owo_clock_advance('1 month') AS clock;
RESET ROLE;
SELECT * FROM slot ORDER BY 1, 2;
INSERT INTO desk VALUES (4, 'acme'), (6, 'acme');
INSERT INTO chair VALUES (4, 'acme'), (6, 'acme');
TRUNCATE desk, chair;
SELECT * FROM slot ORDER BY 1, 2;
INSERT INTO desk VALUES (7, 'acme');
INSERT INTO chair VALUES (7, 'acme');
SET ROLE owo_admin;
SELECT owo_clock_advance('1 month') AS clock;
RESET ROLE;
SELECT * FROM slot ORDER BY 1, 2;
SET ROLE owo_admin;
SELECT * FROM owo_verify();
