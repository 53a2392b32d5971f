-- Events of a limit that is reached: written by what crosses it, once for each period, and undone with what crossed.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "mail"}, {"slug": "words"}, {"slug": "rows"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "words", "creditCost": 2}]}],
  "plans": [{"slug": "free", "currency": "USD", "autoEnable": true, "features": [
    {"slug": "calls", "limit": 10}, {"slug": "mail", "limit": 5, "overage": "charge", "overagePrice": 1}, {"slug": "rows", "limit": 10}, {"slug": "credits", "limit": 10}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
CREATE VIEW told AS SELECT type, data ->> 'feature' AS feature, count(*) FROM owo.event WHERE type ~ '^(usage|credits[.]ex)' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT usage FROM owo_track('acme', 'calls', 9);
SELECT code FROM owo_track('acme', 'calls', 2);
SELECT * FROM told;
BEGIN;
SAVEPOINT before;
SELECT usage FROM owo_track('acme', 'calls', 1);
SELECT * FROM told;
ROLLBACK TO before;
SELECT * FROM told;
-- what is taken again crosses again
SELECT usage FROM owo_track('acme', 'calls', 1);
COMMIT;
SELECT * FROM told;
-- below and back within the period: told before
SELECT usage FROM owo_track('acme', 'calls', -4);
SELECT usage FROM owo_track('acme', 'calls', 4);
SELECT * FROM told;
-- a hold is no usage yet, a settle is
SELECT (decision).code FROM owo_reserve('acme', 'mail', 5);
SELECT * FROM told;
SELECT code FROM owo_settle((SELECT id FROM owo.reservation WHERE status = 'open'), 5);
SELECT code FROM owo_track('acme', 'mail', 2);
SELECT * FROM told;
-- credits, by a batch; rows of a table, by one statement
SELECT count(*) FROM owo_track_batch((SELECT jsonb_agg('{"customer": "acme", "feature": "words"}'::jsonb) FROM generate_series(1, 6)));
CREATE TABLE item (id int PRIMARY KEY, org text);
SELECT owo_enforce_table('item', 'rows', 'org');
INSERT INTO item SELECT g, 'acme' FROM generate_series(1, 10) AS g;
SELECT * FROM told;
-- the next period
SELECT owo_clock_set('2027-02-10 00:00+00');
SELECT usage FROM owo_track('acme', 'calls', 10);
SELECT * FROM told;
SELECT * FROM owo_verify();
