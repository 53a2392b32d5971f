-- Where Postgres runs a statement piece by piece, or late: cursors, holdable cursors and deferred triggers, which run at COMMIT.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
-- a savepoint takes back what a cursor that is older than it did meanwhile
BEGIN;
DECLARE piece CURSOR FOR SELECT (owo_track('acme', 'calls', 1)).usage FROM generate_series(1, 4);
FETCH 1 FROM piece;
SAVEPOINT before;
FETCH 2 FROM piece;
ROLLBACK TO before;
SELECT usage FROM owo_check('acme', 'calls');
FETCH 1 FROM piece;
COMMIT;
SELECT usage FROM owo_check('acme', 'calls');
SELECT sum(quantity) FROM owo.usage;
-- at COMMIT, all of it or nothing
BEGIN;
DECLARE later NO SCROLL CURSOR WITH HOLD FOR SELECT (owo_consume('acme', 'calls', 1)).usage FROM generate_series(1, 2);
SELECT usage FROM owo_check('acme', 'calls');
COMMIT;
FETCH ALL FROM later;
CLOSE later;
BEGIN;
DECLARE later NO SCROLL CURSOR WITH HOLD FOR SELECT (owo_consume('acme', 'calls', 3)).usage FROM generate_series(1, 3);
COMMIT;
SELECT usage FROM owo_check('acme', 'calls');
CREATE TABLE job (id int);
CREATE FUNCTION bill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM owo_consume('acme', 'calls', 1);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER bill AFTER INSERT ON job DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bill();
BEGIN;
INSERT INTO job SELECT generate_series(1, 3);
SELECT usage FROM owo_check('acme', 'calls');
COMMIT;
SELECT usage FROM owo_check('acme', 'calls');
INSERT INTO job SELECT generate_series(1, 9);
SELECT usage FROM owo_check('acme', 'calls');
SELECT count(*) FROM job;
SELECT sum(quantity) FROM owo.usage;
SELECT * FROM owo_verify();
