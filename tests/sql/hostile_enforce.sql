-- A hostile role and enforced tables: what it writes is counted, what its expressions do is done with the rights of
-- who writes, and no name of its own stands in for another.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;
SELECT slug FROM owo_organization('north', environment => 'sandbox');
SELECT slug FROM owo_organization('south', environment => 'sandbox');
CREATE ROLE enforce_north;
CREATE ROLE enforce_mallory;
SELECT owo_grant_role('enforce_north', 'app', 'north');
SELECT owo_grant_role('enforce_mallory', 'app', 'north');
GRANT CREATE ON SCHEMA public TO enforce_north, enforce_mallory;
SET owostack.organization = 'south';
SELECT owo_sync('{"features": [{"slug": "words"}, {"slug": "rooms", "type": "entity"}], "plans": [{"slug": "p", "autoEnable": true, "features": [{"slug": "words", "limit": 100}, {"slug": "rooms", "limit": 2}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SET owostack.organization = 'north';
SELECT owo_sync('{"features": [{"slug": "words"}, {"slug": "rooms", "type": "entity"}], "plans": [{"slug": "p", "autoEnable": true, "features": [{"slug": "words", "limit": 100}, {"slug": "rooms", "limit": 2}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');

-- the table of north, which mallory may write to
SET ROLE enforce_north;
CREATE FUNCTION cost(body text) RETURNS numeric LANGUAGE sql AS $$ SELECT 10 $$;
CREATE TABLE message (id int PRIMARY KEY, org text, body text);
SELECT owo_enforce_table('message', 'words', 'org', value_expression => 'length(body) + cost(body)');
SELECT owo_enforce_table('message', 'rooms', 'org', 'id', mode => 'row');
GRANT SELECT, INSERT, UPDATE, DELETE ON message TO enforce_mallory;
SELECT value_expression FROM owo.enforced_table ORDER BY 1;

-- decoys first on the path, in pg_temp and in front of pg_catalog
SET ROLE enforce_mallory;
CREATE FUNCTION pg_temp.length(text) RETURNS int LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION pg_temp.cost(text) RETURNS numeric LANGUAGE sql AS 'SELECT 0';
CREATE TYPE pg_temp.text AS (nothing int);
CREATE TYPE pg_temp.numeric AS (nothing int);
CREATE TEMP TABLE owo_new AS SELECT 1 AS id, 'nobody'::pg_catalog.text AS org, ''::pg_catalog.text AS body;
CREATE TEMP TABLE owo_old AS SELECT * FROM owo_new;
SET ROLE postgres;
CREATE SCHEMA evil AUTHORIZATION enforce_mallory;
SET ROLE enforce_mallory;
CREATE FUNCTION evil.length(pg_catalog.text) RETURNS int LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION evil.cost(pg_catalog.text) RETURNS pg_catalog.numeric LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION evil.sum_none(pg_catalog.numeric, pg_catalog.numeric) RETURNS pg_catalog.numeric LANGUAGE sql AS 'SELECT 0::pg_catalog.numeric';
CREATE AGGREGATE evil.sum(pg_catalog.numeric) (sfunc = evil.sum_none, stype = pg_catalog.numeric, initcond = 0);
CREATE FUNCTION evil.plus(pg_catalog.numeric, pg_catalog.numeric) RETURNS pg_catalog.numeric LANGUAGE sql AS 'SELECT 0::pg_catalog.numeric';
CREATE OPERATOR evil.+ (leftarg = pg_catalog.numeric, rightarg = pg_catalog.numeric, function = evil.plus);
SET search_path = evil, pg_catalog, public;
INSERT INTO public.message VALUES (1, 'acme', 'twelve words');
SET search_path = pg_temp, evil, pg_catalog;
UPDATE public.message SET body = 'thirteen word';
SET search_path = '';
INSERT INTO public.message VALUES (2, 'acme', '');
RESET search_path;
INSERT INTO message VALUES (3, 'acme', '');
SET owostack.organization = 'north';
SELECT usage FROM owo_check('acme', 'words');
SELECT entity FROM owo_entities('acme') ORDER BY 1;

DROP TYPE pg_temp.text, pg_temp.numeric CASCADE;

-- settings and row security of the writer change nothing
SET owostack.organization = 'south';
SET row_security = off;
SET session_replication_role = replica;
INSERT INTO message VALUES (3, 'acme', '');
DELETE FROM message WHERE id = 2;
RESET row_security;
SET owostack.organization = 'north';
SELECT entity FROM owo_entities('acme') ORDER BY 1;
ALTER TABLE message DISABLE TRIGGER USER;
SELECT owo_unenforce_table('message');
SELECT owo_enforce_table('message', 'words', 'org');
CREATE TRIGGER mine AFTER INSERT ON message FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=words', 'customer=org', 'organization=north');

-- a table of mallory's own: for another organization, for a feature that is counted elsewhere
CREATE TABLE trap (id int PRIMARY KEY, org text, body text);
SELECT owo_enforce_table('trap', 'words', 'org', organization => 'south');
SELECT owo_enforce_table('trap', 'rooms', 'org', 'id');
CREATE TRIGGER south AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=words', 'customer=org', 'organization=south');
INSERT INTO trap VALUES (1, 'acme', '');
SET ROLE postgres;
INSERT INTO trap VALUES (1, 'acme', '');
SET ROLE enforce_mallory;
DROP TRIGGER south ON trap;
CREATE TRIGGER rooms AFTER DELETE ON trap FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=rooms', 'customer=org', 'entity=id', 'organization=north');
INSERT INTO trap VALUES (9, 'acme', '');
DELETE FROM trap;
DROP TRIGGER rooms ON trap;

-- expressions, casts and columns run as who writes: north writes to the trap, and a superuser truncates it
CREATE TABLE seen (what text, who name DEFAULT current_user);
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION spring(body text) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen VALUES (body);
    RETURN 1;
END
$$;
CREATE TYPE bait AS ENUM ('worm');
CREATE FUNCTION bait_text(bait) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES ('cast'); RETURN 'acme'; END $$;
CREATE CAST (bait AS text) WITH FUNCTION bait_text(bait);
ALTER TABLE trap ADD lure bait;
SELECT owo_enforce_table('trap', 'words', 'lure', value_expression => 'spring(body)', organization => 'north');
SELECT * FROM seen;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON trap TO PUBLIC;
SET ROLE owo_nobody;
INSERT INTO trap VALUES (1, 'acme', 'by nobody', 'worm');
SET ROLE enforce_north;
INSERT INTO trap VALUES (2, 'acme', 'by north', 'worm');
SET ROLE enforce_mallory;
SELECT what, who FROM seen ORDER BY 2, 1;
SELECT owo_unenforce_table('trap');
CREATE TRIGGER words BEFORE TRUNCATE ON trap EXECUTE FUNCTION owo_enforce('feature=words', 'customer=lure', 'value=public.spring(body)', 'returns=true', 'organization=north');
DELETE FROM seen;
SET ROLE enforce_north;
TRUNCATE trap;
SET ROLE enforce_mallory;
SELECT DISTINCT who FROM seen ORDER BY 1;
-- an expression that writes to what is counted meets the same guards as anybody
CREATE OR REPLACE FUNCTION spring(body text) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE body;
    RETURN 1;
END
$$;
ALTER TABLE trap DROP lure;
SELECT owo_enforce_table('trap', 'words', 'org', value_expression => 'spring(body)', organization => 'north');
INSERT INTO trap VALUES (1, 'acme', 'DELETE FROM owo.usage_pending');
INSERT INTO trap VALUES (1, 'acme', 'DELETE FROM owo.entity');
INSERT INTO trap VALUES (1, 'acme', 'SELECT owo_track(''acme'', ''words'', 2)');
INSERT INTO trap VALUES (2, 'acme', 'SET LOCAL owostack.organization = ''south''');
INSERT INTO trap VALUES (3, 'acme', 'SELECT owo_track(''acme'', ''words'', 100)');
-- and one that writes to its own table ends like any endless recursion
INSERT INTO trap VALUES (4, 'acme', 'INSERT INTO trap VALUES (5, ''acme'', ''SELECT 1'')');
SELECT usage FROM owo_check('acme', 'words');
SET ROLE postgres;
SET owostack.organization = 'south';
SELECT usage FROM owo_check('acme', 'words');
SELECT entity FROM owo_entities('acme');
SELECT * FROM owo_verify();
DROP OWNED BY enforce_north, enforce_mallory CASCADE;
SELECT owo_grant_role('enforce_north', 'none');
SELECT owo_grant_role('enforce_mallory', 'none');
DROP ROLE enforce_north, enforce_mallory;
