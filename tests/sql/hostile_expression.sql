-- A writer of an enforced table cannot make its expression mean something else: not by operators and functions that fit the
-- columns better than the system's, nor by names that a trigger made by hand leaves open.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT owo_sync('{"features": [{"slug": "words"}], "plans": [{"slug": "p", "autoEnable": true, "features": [{"slug": "words", "limit": 1000}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
CREATE ROLE expression_owner;
CREATE ROLE expression_writer;
SELECT owo_grant_role('expression_owner', 'app');
CREATE SCHEMA shop AUTHORIZATION expression_owner;
CREATE SCHEMA evil AUTHORIZATION expression_writer;
GRANT USAGE ON SCHEMA shop TO PUBLIC;

SET ROLE expression_owner;
CREATE TABLE shop.price (price numeric);
INSERT INTO shop.price VALUES (3);
GRANT SELECT ON shop.price TO PUBLIC;
CREATE FUNCTION shop.cost(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1';
CREATE TABLE shop.message (org text, body varchar, amount numeric, small smallint);
SELECT owo_enforce_table('shop.message', 'words', 'org', value_expression => 'length(body) + amount * 2 + small * 1.0 + shop.cost(1) + (SELECT price FROM shop.price)');
CREATE TABLE shop.by_row (LIKE shop.message);
SELECT owo_enforce_table('shop.by_row', 'words', 'org', value_expression => 'length(body) + amount * 2', mode => 'row');
CREATE TABLE shop.by_hand (LIKE shop.message);
CREATE TRIGGER words AFTER INSERT ON shop.by_hand FOR EACH ROW EXECUTE FUNCTION
    owo_enforce('feature=words', 'customer=org', 'value=length(body) + amount * 2 + shop.cost(0)');
CREATE TABLE shop.open (LIKE shop.message);
CREATE TRIGGER words AFTER INSERT ON shop.open FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=words', 'customer=org', 'value=cost(amount)');
GRANT ALL ON ALL TABLES IN SCHEMA shop TO expression_writer;

SET ROLE expression_writer;
CREATE FUNCTION evil.nothing(numeric, integer) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
CREATE FUNCTION evil.nothing(smallint, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
CREATE FUNCTION evil.nothing(integer, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
CREATE FUNCTION evil.length(varchar) RETURNS integer LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION evil.cost(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
CREATE OPERATOR evil.* (leftarg = numeric, rightarg = integer, function = evil.nothing);
CREATE OPERATOR evil.* (leftarg = smallint, rightarg = numeric, function = evil.nothing);
CREATE OPERATOR evil.+ (leftarg = integer, rightarg = numeric, function = evil.nothing);
CREATE TEMP TABLE price (price numeric);
SET search_path = evil, pg_catalog;
-- 4 + 10 + 2 + 1 + 3
INSERT INTO shop.message VALUES ('acme', 'four', 5, 2);
SELECT usage FROM public.owo_check('acme', 'words');
SET ROLE postgres;
SELECT usage FROM public.owo_check('acme', 'words');
SET ROLE expression_writer;
UPDATE shop.message SET amount = 6;
-- 4 + 10, twice: 50 in all
INSERT INTO shop.by_row VALUES ('acme', 'four', 5, 2);
INSERT INTO shop.by_hand VALUES ('acme', 'four', 5, 2);
-- what a trigger by hand leaves open is an error, never the writer's function
INSERT INTO shop.open VALUES ('acme', 'four', 5, 2);
SET search_path = shop, pg_catalog;
INSERT INTO shop.open VALUES ('acme', 'four', 5, 2);
SET ROLE postgres;
RESET search_path;
SELECT usage FROM owo_check('acme', 'words');
SELECT owo_grant_role('expression_owner', 'none');
DROP OWNED BY expression_owner, expression_writer CASCADE;
DROP ROLE expression_owner, expression_writer;
