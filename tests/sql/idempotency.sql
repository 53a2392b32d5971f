-- Idempotency keys: the same request replays its answer, another is refused, denied and undone ones free the key.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "mails"}], "plans": [
    {"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}, {"slug": "mails", "limit": 10}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');

SELECT allowed, code, usage, balance, replayed FROM owo_track('acme', 'calls', 4, idempotency_key => 'k');
SELECT allowed, code, usage, balance, replayed FROM owo_track('acme', 'calls', 3);
-- the first answer, not today's
SELECT allowed, code, usage, balance, replayed FROM owo_track('acme', 'calls', 4, idempotency_key => 'k');
-- 4.0 is 4; metadata is not part of the request
SELECT replayed FROM owo_track('acme', 'calls', 4.0, idempotency_key => 'k', metadata => '{"try": 2}');
-- consume is the same family
SELECT replayed FROM owo_consume('acme', 'calls', 4, idempotency_key => 'k');
SELECT usage FROM owo_check('acme', 'calls');

-- another request
SELECT owo_track('acme', 'calls', 5, idempotency_key => 'k');
SELECT owo_track('acme', 'mails', 4, idempotency_key => 'k');
SELECT owo_track('acme', 'calls', 4, idempotency_key => 'k', occurred_at => now() - interval '1 minute');
-- another customer has keys of its own
SELECT replayed FROM owo_track('zeta', 'calls', 5, idempotency_key => 'k');

-- a denied attempt frees the key
SELECT allowed, code FROM owo_track('acme', 'calls', 9, idempotency_key => 'd');
SELECT allowed, replayed FROM owo_track('acme', 'calls', 1, idempotency_key => 'd');
-- and so does one that is undone
BEGIN;
SELECT replayed FROM owo_track('acme', 'calls', 1, idempotency_key => 'r');
SELECT replayed FROM owo_track('acme', 'calls', 1, idempotency_key => 'r');
ROLLBACK;
SELECT replayed FROM owo_track('acme', 'calls', 2, idempotency_key => 'r');
BEGIN;
SAVEPOINT s;
SELECT replayed FROM owo_track('zeta', 'mails', 1, idempotency_key => 's');
ROLLBACK TO s;
SELECT replayed FROM owo_track('zeta', 'mails', 2, idempotency_key => 's');
COMMIT;

-- at every isolation level, also twice in one statement
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT replayed FROM owo_track('zeta', 'mails', 2, idempotency_key => 's');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT replayed FROM owo_track('zeta', 'mails', 2, idempotency_key => 's');
COMMIT;
SELECT (owo_track('zeta', 'mails', 1, idempotency_key => 't')).replayed FROM generate_series(1, 3);

-- a return is a request like any other
SELECT usage, replayed FROM owo_track('zeta', 'mails', -1, idempotency_key => 'back');
SELECT usage, replayed FROM owo_track('zeta', 'mails', -1, idempotency_key => 'back');

-- replay outlives the fold, and the period
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
RESET ROLE;
SELECT usage, replayed FROM owo_track('acme', 'calls', 4, idempotency_key => 'k');
-- batches share the space of keys
SELECT allowed, usage, replayed FROM owo_track_batch('[
    {"customer": "acme", "feature": "calls", "value": 4, "idempotency_key": "k"},
    {"customer": "acme", "feature": "mails", "value": 1, "idempotency_key": "b"},
    {"customer": "acme", "feature": "mails", "value": 1, "idempotency_key": "b"}]');
SELECT owo_track_batch('[{"customer": "acme", "feature": "mails", "value": 1}, {"customer": "acme", "feature": "calls", "value": 7, "idempotency_key": "k"}]');
SELECT c, f, usage FROM unnest(ARRAY['acme', 'zeta']) AS c, unnest(ARRAY['calls', 'mails']) AS f, owo_check(c, f);
-- attach takes one too
SELECT code FROM owo_attach('acme', 'base', idempotency_key => 'a');
SELECT code FROM owo_attach('acme', 'base', idempotency_key => 'a');
SET ROLE owo_admin;
SELECT * FROM owo_verify();

-- kept for the organization's idempotency_days, and free afterwards, whether or not it has been deleted
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT idempotency_days FROM owo_organization_set('lab', '{"idempotency_days": 40}');
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT replayed FROM owo_track('acme', 'calls', 1, idempotency_key => 'k');
SELECT owo_clock_advance('40 days');
SELECT usage, replayed FROM owo_track('acme', 'calls', 1, idempotency_key => 'k');
SELECT owo_clock_advance('1 microsecond');
SELECT usage, replayed FROM owo_track('acme', 'calls', 2, idempotency_key => 'k');
SELECT owo_track('acme', 'calls', 1, idempotency_key => 'k');
SELECT replayed FROM owo_track_batch('[{"customer": "acme", "feature": "calls", "value": 2, "idempotency_key": "k"}]');
SELECT quantity, at FROM owo.usage WHERE organization = 'lab' ORDER BY at;
