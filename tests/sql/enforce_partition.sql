-- Partitioned tables: enforced by row, whichever table a statement names; a row that moves to another partition is an
-- UPDATE like any other.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "rows", "type": "entity"}, {"slug": "units"}, {"slug": "parts", "type": "entity"}, {"slug": "heirs", "type": "entity"}],
  "plans": [{"slug": "free", "autoEnable": true,
             "features": [{"slug": "rows", "limit": 4}, {"slug": "units", "limit": 100}, {"slug": "parts", "limit": 9}, {"slug": "heirs", "limit": 9}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');

CREATE TABLE item (id int, org text, size int DEFAULT 1, region text DEFAULT 'eu', PRIMARY KEY (org, id)) PARTITION BY LIST (org);
CREATE TABLE item_acme PARTITION OF item FOR VALUES IN ('acme') PARTITION BY RANGE (id);
-- columns in another order
CREATE TABLE item_acme_1 (size int DEFAULT 1, gone text, region text DEFAULT 'eu', org text NOT NULL, id int NOT NULL);
ALTER TABLE item_acme_1 DROP COLUMN gone;
ALTER TABLE item_acme ATTACH PARTITION item_acme_1 FOR VALUES FROM (0) TO (100);
CREATE TABLE item_acme_2 PARTITION OF item_acme FOR VALUES FROM (100) TO (200);
CREATE TABLE item_zeta PARTITION OF item FOR VALUES IN ('zeta');
INSERT INTO item (id, org) VALUES (1, 'acme'), (101, 'acme'), (1, 'zeta');

SELECT owo_enforce_table('item', 'rows', 'org', 'id', mode => 'statement');
SELECT owo_enforce_table('item', 'rows', 'org', 'id');
SELECT owo_enforce_table('item', 'units', 'org', value_expression => 'item.size + 0');
SELECT mode FROM owo.enforced_table;
CREATE VIEW state AS
SELECT c.org, (SELECT string_agg(entity, ' ' ORDER BY entity::int) FROM owo_entities(c.org, 'rows')) AS slots,
       (SELECT string_agg(id::text, ' ' ORDER BY id) FROM item WHERE item.org = c.org) AS rows, (owo_check(c.org, 'units', 0)).usage AS units
FROM (VALUES ('acme'), ('zeta')) AS c (org);
SELECT * FROM state ORDER BY 1;

-- through the parent, through a partition, to the limit and past it
INSERT INTO item VALUES (2, 'acme', 5), (102, 'acme', 5);
INSERT INTO item VALUES (3, 'acme', 5);
INSERT INTO item_acme_1 (id, org, size) VALUES (3, 'acme', 5);
INSERT INTO item_zeta VALUES (2, 'zeta', 5);
COPY item FROM stdin;
3	zeta	7	eu
4	acme	7	eu
\.
COPY item FROM stdin;
3	zeta	7	eu
\.
SELECT * FROM state ORDER BY 1;
-- a new partition and one that is attached
CREATE TABLE item_acme_3 PARTITION OF item_acme FOR VALUES FROM (200) TO (300);
INSERT INTO item VALUES (200, 'acme', 5);
DELETE FROM item WHERE id = 1;
INSERT INTO item VALUES (200, 'acme', 5);
SELECT * FROM state ORDER BY 1;

-- UPDATE in place, to another partition of the customer (at the limit), of another, of nobody
UPDATE item SET size = size + 1, region = 'us';
UPDATE item SET region = 'us';
SELECT * FROM state ORDER BY 1;
UPDATE item SET id = id + 2 WHERE org = 'acme' AND id < 200;
UPDATE item SET id = id + 96 WHERE org = 'acme' AND id = 4;
SELECT * FROM state ORDER BY 1;
UPDATE item SET id = 7, size = 10 WHERE id = 200;
SELECT * FROM state ORDER BY 1;
UPDATE item SET org = 'acme' WHERE id = 3;
SET ROLE owo_admin;
SELECT usage_limit FROM owo_override('acme', 'rows', usage_limit => 2);
RESET ROLE;
UPDATE item SET id = 201 WHERE id = 7;
UPDATE item SET id = 7 WHERE id = 201;
UPDATE item SET org = 'zeta' WHERE id = 7;
SELECT * FROM state ORDER BY 1;
INSERT INTO item VALUES (7, 'zeta', 11) ON CONFLICT (org, id) DO UPDATE SET size = excluded.size;
INSERT INTO item VALUES (7, 'zeta', 12) ON CONFLICT DO NOTHING;
MERGE INTO item USING (VALUES (7, 'zeta')) AS s (id, org) ON item.id = s.id AND item.org = s.org WHEN MATCHED THEN UPDATE SET size = 12;
SELECT * FROM state ORDER BY 1;

-- TRUNCATE of a partition and of all
TRUNCATE item_zeta;
SELECT * FROM state ORDER BY 1;
INSERT INTO item VALUES (1, 'zeta');
TRUNCATE item;
SELECT * FROM state ORDER BY 1;
-- out of the tree a partition is a table of its own
INSERT INTO item VALUES (1, 'zeta');
ALTER TABLE item DETACH PARTITION item_zeta;
INSERT INTO item_zeta VALUES (2, 'zeta');
SELECT slots FROM state WHERE org = 'zeta';
SELECT owo_unenforce_table('item');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'owo%';
DROP VIEW state;
DROP TABLE item;

-- partitions that come later: TRUNCATE of one alone frees its slots, rows of one that is attached take theirs or are denied
CREATE TABLE late (id int, org text, PRIMARY KEY (org, id)) PARTITION BY LIST (org);
SELECT owo_enforce_table('late', 'rows', 'org', 'id');
CREATE TABLE late_acme PARTITION OF late FOR VALUES IN ('acme') PARTITION BY RANGE (id);
CREATE TABLE late_acme_1 PARTITION OF late_acme FOR VALUES FROM (0) TO (10);
CREATE TABLE late_zeta (org text NOT NULL, id int NOT NULL, PRIMARY KEY (org, id));
INSERT INTO late_zeta SELECT 'zeta', n FROM generate_series(1, 5) AS n;
ALTER TABLE late ATTACH PARTITION late_zeta FOR VALUES IN ('zeta');
SELECT count(*) FROM owo_entities('zeta', 'rows');
DELETE FROM late_zeta WHERE id = 5;
ALTER TABLE late ATTACH PARTITION late_zeta FOR VALUES IN ('zeta');
INSERT INTO late VALUES ('1', 'acme'), ('2', 'acme');
SELECT c, count(e) FROM unnest('{acme,zeta}'::text[]) AS c LEFT JOIN LATERAL owo_entities(c, 'rows') AS e ON true GROUP BY 1 ORDER BY 1;
TRUNCATE late_acme_1;
-- another command on the tree makes no second trigger
ALTER TABLE late ADD COLUMN more int;
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname LIKE 'owo%truncate' GROUP BY 1 ORDER BY 1;
SELECT c, count(e) FROM unnest('{acme,zeta}'::text[]) AS c LEFT JOIN LATERAL owo_entities(c, 'rows') AS e ON true GROUP BY 1 ORDER BY 1;
-- a tree that comes as a whole, and one that leaves and comes back
CREATE TABLE late_acme_2 (LIKE late INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE late_acme_2_1 (id int NOT NULL, org text NOT NULL, more int, PRIMARY KEY (org, id));
INSERT INTO late_acme_2_1 VALUES (11, 'acme');
ALTER TABLE late_acme_2 ATTACH PARTITION late_acme_2_1 FOR VALUES FROM (10) TO (20);
ALTER TABLE late_acme ATTACH PARTITION late_acme_2 FOR VALUES FROM (10) TO (20);
SELECT entity FROM owo_entities('acme', 'rows');
ALTER TABLE late_acme DETACH PARTITION late_acme_2;
ALTER TABLE late_acme ATTACH PARTITION late_acme_2 FOR VALUES FROM (10) TO (20);
SELECT entity FROM owo_entities('acme', 'rows');
TRUNCATE late_acme_2_1;
SELECT count(*) FROM owo_entities('acme', 'rows');
-- rows that came to a partition while it was out take slots when it comes back, or it is denied
ALTER TABLE late DETACH PARTITION late_zeta;
INSERT INTO late_zeta SELECT 'zeta', n FROM generate_series(11, 15) AS n;
ALTER TABLE late ATTACH PARTITION late_zeta FOR VALUES IN ('zeta');
DELETE FROM late_zeta WHERE id > 2 AND id < 14;
SELECT entity FROM owo_entities('zeta', 'rows') ORDER BY entity::int;
SELECT owo_entity_remove('zeta', 'rows', entity) IS NOT NULL AS removed FROM owo_entities('zeta', 'rows') WHERE entity IN ('3', '4');
ALTER TABLE late ATTACH PARTITION late_zeta FOR VALUES IN ('zeta');
SELECT entity FROM owo_entities('zeta', 'rows') ORDER BY entity::int;
INSERT INTO late_zeta VALUES ('zeta', 16);
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname LIKE 'owo%truncate' GROUP BY 1 ORDER BY 1;
-- the same for a tree inside the tree
ALTER TABLE late_acme DETACH PARTITION late_acme_2;
INSERT INTO late_acme_2 SELECT n, 'acme' FROM generate_series(11, 15) AS n;
ALTER TABLE late_acme ATTACH PARTITION late_acme_2 FOR VALUES FROM (10) TO (20);
DELETE FROM late_acme_2 WHERE id > 12;
ALTER TABLE late_acme ATTACH PARTITION late_acme_2 FOR VALUES FROM (10) TO (20);
SELECT entity FROM owo_entities('acme', 'rows') ORDER BY entity::int;
-- what was left out at first stays out, whatever else the transaction does
CREATE TABLE old (id int PRIMARY KEY, org text) PARTITION BY RANGE (id);
BEGIN;
CREATE TABLE old_1 PARTITION OF old FOR VALUES FROM (0) TO (100);
INSERT INTO old SELECT n, 'zeta' FROM generate_series(1, 20) AS n;
SELECT owo_enforce_table('old', 'parts', 'org', 'id', backfill => false);
ALTER TABLE old ADD COLUMN more int;
SELECT count(*) FROM owo_entities('zeta', 'parts');
ROLLBACK;
DROP TABLE old;
-- rows of a metered feature are not looked at, even where the parent was put under it by hand
CREATE TABLE hand (id int, org text) PARTITION BY RANGE (id);
CREATE TRIGGER hand_truncate BEFORE TRUNCATE ON hand EXECUTE FUNCTION owo_enforce('feature=units', 'customer=org');
CREATE TABLE hand_1 AS SELECT 1 AS id, NULL::text AS org;
ALTER TABLE hand ATTACH PARTITION hand_1 FOR VALUES FROM (0) TO (100);
SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'hand_truncate' ORDER BY 1;
DROP TABLE hand;
-- only the system calls it
SELECT owo._enforce_partitions();
SELECT owo._welcome_partitions();
SET ROLE postgres;
SELECT owo._welcome_partitions();
RESET ROLE;
DROP TABLE late;
SELECT owo_entity_remove('zeta', 'rows', entity) IS NOT NULL AS removed FROM owo_entities('zeta', 'rows');

-- one partition by itself: statements on the parent pass by its statement triggers, so by row too
CREATE TABLE log (id int, org text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (100);
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (100) TO (200);
SELECT owo_enforce_table('log_1', 'parts', 'org', 'id', mode => 'statement');
SELECT owo_enforce_table('log_1', 'parts', 'org', 'id');
INSERT INTO log VALUES (1, 'acme'), (2, 'acme'), (101, 'acme');
SELECT entity FROM owo_entities('acme', 'parts') ORDER BY 1;
UPDATE log SET id = id + 100 WHERE id = 2;
UPDATE log SET id = 3 WHERE id = 101;
SELECT entity FROM owo_entities('acme', 'parts') ORDER BY 1;
TRUNCATE log;
SELECT entity FROM owo_entities('acme', 'parts') ORDER BY 1;

-- inheritance: only rows of the table itself
CREATE TABLE parent (id int PRIMARY KEY, org text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 'acme');
INSERT INTO child VALUES (2, 'acme');
SELECT owo_enforce_table('parent', 'heirs', 'org', 'id', mode => 'statement');
SELECT owo_enforce_table('parent', 'heirs', 'org', 'id');
INSERT INTO parent VALUES (3, 'acme');
INSERT INTO child VALUES (4, 'acme');
UPDATE parent SET id = id + 10;
SELECT entity FROM owo_entities('acme', 'heirs') ORDER BY 1;
DELETE FROM parent WHERE id IN (11, 12);
TRUNCATE child;
SELECT entity FROM owo_entities('acme', 'heirs') ORDER BY 1;
TRUNCATE parent;
SELECT entity FROM owo_entities('acme', 'heirs') ORDER BY 1;
SET ROLE owo_admin;
SELECT * FROM owo_verify();
