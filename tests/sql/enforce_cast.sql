-- Reading rows that were there before runs functions of who owns them, with no more than the owner's rights,
-- also where a superuser enforces the table or attaches the partition.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "seats", "type": "entity"}, {"slug": "desks", "type": "entity"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "seats", "limit": 5}, {"slug": "desks", "limit": 5}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');

SET ROLE owo_app;
CREATE TABLE ran (by text);
CREATE TABLE trap (n int);
CREATE TYPE tag AS ENUM ('acme');
CREATE FUNCTION named(tag) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.ran VALUES (current_user);
    RETURN 'acme';
END
$$;
CREATE CAST (tag AS text) WITH FUNCTION named(tag);
CREATE TABLE whole (id int PRIMARY KEY, c tag);
CREATE TABLE tree (id int PRIMARY KEY, c tag) PARTITION BY RANGE (id);
CREATE TABLE leaf (id int PRIMARY KEY, c tag);
INSERT INTO whole VALUES (1, 'acme');
INSERT INTO leaf VALUES (2, 'acme');
SELECT owo_enforce_table('tree', 'desks', 'c', 'id');
RESET ROLE;

-- whoever asks, the cast runs as the owner
SELECT owo_enforce_table('whole', 'seats', 'c', 'id');
ALTER TABLE tree ATTACH PARTITION leaf FOR VALUES FROM (2) TO (3);
SELECT by, count(*) > 0 AS ran FROM ran GROUP BY by;
SELECT (owo_check('acme', 'seats', 0)).usage AS seats, (owo_check('acme', 'desks', 0)).usage AS desks;

-- and leaves nothing behind that would run as who asked
ALTER TABLE tree DETACH PARTITION leaf;
SELECT owo_unenforce_table('whole');
SET ROLE owo_app;
CREATE FUNCTION sprung() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.ran VALUES ('later, as ' || current_user);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sprung();
CREATE OR REPLACE FUNCTION named(tag) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.trap VALUES (1);
    RETURN 'acme';
END
$$;
RESET ROLE;
SELECT owo_enforce_table('whole', 'seats', 'c', 'id');
ALTER TABLE tree ATTACH PARTITION leaf FOR VALUES FROM (2) TO (3);
SELECT by FROM ran WHERE by LIKE 'later%';
