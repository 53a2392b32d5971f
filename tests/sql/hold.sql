-- Holds: units drawn before their amount is known; settled, released, expired.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "tokens"}, {"slug": "storage"}, {"slug": "minutes"}, {"slug": "images"}, {"slug": "other"}, {"slug": "mail"},
               {"slug": "sso", "type": "boolean"}, {"slug": "region", "type": "static"}, {"slug": "seats", "type": "entity"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 3}]}],
  "plans": [
    {"slug": "base", "autoEnable": true, "currency": "USD", "features": [
       {"slug": "tokens", "limit": 10}, {"slug": "storage"}, {"slug": "sso"}, {"slug": "seats", "limit": 2},
       {"slug": "minutes", "limit": 5, "overage": "charge", "overagePrice": 10, "maxOverageUnits": 3},
       {"slug": "mail", "limit": 4, "scope": "entity"}, {"slug": "credits", "limit": 10}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');

-- what is held is used for everybody, and not yet usage
SELECT reservation AS one, (decision).allowed, (decision).code, (decision).usage, (decision).balance, (decision).details -> 'drawn' AS drawn,
       expires_at - now() BETWEEN '14 min' AND '16 min' AS in_a_quarter_of_an_hour
  FROM owo_reserve('acme', 'tokens', 7) \gset
\echo :allowed :code :usage :balance :drawn :in_a_quarter_of_an_hour
SELECT allowed, code, usage, usage_limit, balance FROM owo_check('acme', 'tokens', 4);
SELECT allowed, code FROM owo_track('acme', 'tokens', 4);
SELECT reservation IS NULL AS none, expires_at IS NULL AS never, (decision).allowed, (decision).code, (decision).usage FROM owo_reserve('acme', 'tokens', 4);
SELECT count(*) AS recorded FROM owo.usage;
SELECT used, reason FROM owo_explain('acme', 'tokens');
-- less was used: the rest comes back
SELECT allowed, code, usage, balance, overage, details -> 'drawn' AS drawn, replayed FROM owo_settle(:'one', 4.5);
SELECT source, quantity FROM owo.usage;
SELECT status, quantity, settled_quantity FROM owo.reservation WHERE id = :'one';
-- all of it, nothing of it
SELECT reservation AS two FROM owo_reserve('acme', 'tokens', 2) \gset
SELECT code, usage, balance FROM owo_settle(:'two', 2);
SELECT reservation AS three FROM owo_reserve('acme', 'tokens', 2) \gset
SELECT allowed, code, usage, balance FROM owo_settle(:'three', 0);
SELECT reservation AS four FROM owo_reserve('acme', 'tokens', 2) \gset
SELECT allowed, code, usage, balance, details -> 'drawn' AS drawn FROM owo_release(:'four');
-- more was used: the excess is drawn now, or the settle is a denial and the hold stays
SELECT reservation AS five FROM owo_reserve('acme', 'tokens', 1) \gset
SELECT code, usage, balance, details -> 'drawn' AS drawn FROM owo_settle(:'five', 1.5);
SELECT reservation AS six FROM owo_reserve('acme', 'tokens', 1) \gset
SELECT allowed, code, usage, balance FROM owo_settle(:'six', 3.000000001);
SELECT status FROM owo.reservation WHERE id = :'six';
SELECT allowed, code, usage, balance FROM owo_settle(:'six', 2);
-- a hold of nothing: pay what it was
SELECT usage FROM owo_track('acme', 'tokens', -3);
SELECT reservation AS seven, (decision).code, (decision).usage FROM owo_reserve('acme', 'tokens', 0) \gset
\echo :code :usage
SELECT code, usage FROM owo_settle(:'seven', 2);
SELECT customer, feature, sum(quantity) AS quantity FROM owo.usage GROUP BY 1, 2;

-- once
SELECT owo_settle(:'one', 1);
SELECT owo_release(:'one');
SELECT owo_settle(:'four', 1);
SELECT owo_release(:'four');

-- with its transaction
BEGIN;
SELECT reservation AS gone FROM owo_reserve('acme', 'tokens', 1) \gset
SELECT usage FROM owo_check('acme', 'tokens');
ROLLBACK;
SELECT owo_settle(:'gone', 1);
SELECT usage FROM owo_check('acme', 'tokens');
BEGIN;
SELECT reservation AS here FROM owo_reserve('acme', 'tokens', 1) \gset
SAVEPOINT a;
SELECT usage FROM owo_settle(:'here', 0.25);
SELECT usage FROM owo_check('acme', 'tokens');
ROLLBACK TO a;
SELECT usage FROM owo_check('acme', 'tokens');
SELECT usage FROM owo_settle(:'here', 0.5);
SAVEPOINT b;
SELECT reservation AS undone FROM owo_reserve('acme', 'tokens', 0.5) \gset
SELECT usage FROM owo_release(:'undone');
SELECT allowed, usage FROM owo_track('acme', 'tokens', 0.5);
RELEASE b;
COMMIT;
SELECT usage, balance FROM owo_check('acme', 'tokens');
-- many in one statement see each other
SELECT ((owo_reserve('acme', 'storage', 2)).decision).usage FROM generate_series(1, 2);
SELECT sum((owo_release(id)).usage) FROM owo.reservation WHERE status = 'open';
SELECT usage FROM owo_check('acme', 'storage');

-- nobody else gives back what is held
SELECT reservation AS kept FROM owo_reserve('acme', 'storage', 4) \gset
SELECT usage FROM owo_track('acme', 'storage', 2);
SELECT owo_track('acme', 'storage', -3);
SELECT usage FROM owo_track('acme', 'storage', -2);
SELECT owo_track('acme', 'storage', -1);
SELECT usage FROM owo_release(:'kept');

-- a hold whose time is over counts until somebody needs the room
SELECT key FROM owo_customer('zeta');
SELECT (decision).usage FROM owo_reserve('zeta', 'tokens', 6, '1 microsecond');
SELECT (decision).usage FROM owo_reserve('zeta', 'tokens', 3);
SELECT usage, balance FROM owo_check('zeta', 'tokens', 1);
BEGIN READ ONLY;
SELECT allowed, usage, balance FROM owo_check('zeta', 'tokens', 7);
SELECT owo_allowed('zeta', 'tokens', 7), owo_allowed('zeta', 'tokens', 8);
SELECT feature, (decision).usage FROM owo_features('zeta') WHERE feature = 'tokens';
COMMIT;
SELECT allowed, usage, balance FROM owo_track('zeta', 'tokens', 1);
SELECT status, count(*) FROM owo.reservation r JOIN owo.customer c ON c.id = r.customer_id WHERE c.key = 'zeta' GROUP BY 1 ORDER BY 1;
SELECT allowed, usage FROM owo_track('zeta', 'tokens', 1);
SELECT status, count(*) FROM owo.reservation r JOIN owo.customer c ON c.id = r.customer_id WHERE c.key = 'zeta' GROUP BY 1 ORDER BY 1;
-- in a batch, too, and for another hold
SELECT (decision).usage FROM owo_reserve('zeta', 'tokens', 3, '1 microsecond');
SELECT allowed, code, usage FROM owo_track_batch('[{"customer": "zeta", "feature": "tokens", "value": 2}, {"customer": "zeta", "feature": "tokens", "value": 3}, {"customer": "zeta", "feature": "tokens", "value": 1}]');
SELECT usage FROM owo_track('zeta', 'tokens', -5);
SELECT (decision).usage FROM owo_reserve('zeta', 'tokens', 2, '1 microsecond');
SELECT reservation AS small, (decision).usage FROM owo_reserve('zeta', 'tokens', 2) \gset
SELECT (decision).allowed, (decision).usage FROM owo_reserve('zeta', 'tokens', 2, '1 microsecond');
SELECT allowed, usage FROM owo_settle(:'small', 4);
SELECT allowed, code, usage FROM owo_track('zeta', 'tokens', 4);
-- given back by whom it was denied as well
BEGIN;
SELECT (decision).allowed, (decision).usage FROM owo_reserve('zeta', 'tokens', 1, '1 microsecond');
SELECT allowed, usage FROM owo_track('zeta', 'tokens', 3);
ROLLBACK;
SELECT usage FROM owo_check('zeta', 'tokens');

-- overage: held within its bound, given back first
SELECT reservation AS over, (decision).code, (decision).usage, (decision).overage, (decision).details -> 'drawn' AS drawn FROM owo_reserve('acme', 'minutes', 7) \gset
\echo :code :usage :overage :drawn
SELECT (decision).allowed, (decision).code FROM owo_reserve('acme', 'minutes', 2);
SELECT allowed, code FROM owo_settle(:'over', 9);
SELECT code, usage, overage, details -> 'drawn' AS drawn FROM owo_settle(:'over', 6);
SELECT reservation AS over FROM owo_reserve('acme', 'minutes', 2) \gset
SELECT code, usage, overage FROM owo_settle(:'over', 0);
-- credits: plan first, then granted ones; the last touched come back first
SET ROLE owo_admin;
SELECT amount FROM owo_credit_grant('acme', 'credits', 6);
RESET ROLE;
SELECT reservation AS pictures, (decision).code, (decision).balance, (decision).details -> 'drawn' AS drawn FROM owo_reserve('acme', 'images', 5) \gset
\echo :code :balance :drawn
SELECT source, used, remaining FROM owo_credits('acme');
SELECT code, balance, details -> 'drawn' AS drawn, credits -> 'plan' -> 'used' AS plan_used FROM owo_settle(:'pictures', 3.5);
SELECT source, used, remaining FROM owo_credits('acme');
SELECT reservation AS pictures FROM owo_reserve('acme', 'images', 1) \gset
-- the price is that of the hold
SET ROLE owo_admin;
SELECT owo_sync('{"creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 1}]}]}') -> 'success';
RESET ROLE;
SELECT code, details -> 'drawn' AS drawn FROM owo_settle(:'pictures', 0.5);
SELECT source, used, remaining FROM owo_credits('acme');

-- entities
SELECT owo_reserve('acme', 'mail', 1);
SELECT reservation IS NULL AS none, (decision).code FROM owo_reserve('acme', 'mail', 1, entity => 'ann');
SELECT count FROM owo_entity_add('acme', 'seats', 'ann');
SELECT reservation AS mine, (decision).usage, (decision).balance FROM owo_reserve('acme', 'mail', 3, entity => 'ann', metadata => '{"job": 7}') \gset
\echo :usage :balance
SELECT count FROM owo_entity_remove('acme', 'seats', 'ann');
SELECT allowed, code FROM owo_settle(:'mine', 4);
SELECT allowed, code, usage FROM owo_settle(:'mine', 2);
SELECT entity, quantity, metadata FROM owo.usage WHERE feature = 'mail';

-- who and what is not there
SELECT reservation, (decision).allowed, (decision).code FROM owo_reserve('nobody', 'tokens');
SELECT reservation, (decision).allowed, (decision).code FROM owo_reserve('acme', 'other');
SELECT reservation, (decision).allowed, (decision).code FROM owo_reserve('acme', 'other', 0);
SELECT owo_settle('00000000-0000-0000-0000-000000000000', 1);
SELECT owo_release('00000000-0000-0000-0000-000000000000');

-- one effect per key
SELECT reservation AS first, expires_at AS until FROM owo_reserve('acme', 'storage', 3, '1 hour', idempotency_key => 'job-1') \gset
SELECT reservation = :'first' AS same, expires_at = :'until' AS same_time, (decision).replayed, (decision).usage FROM owo_reserve('acme', 'storage', 3, '2 hours', idempotency_key => 'job-1');
SELECT usage FROM owo_check('acme', 'storage');
SELECT owo_reserve('acme', 'storage', 4, idempotency_key => 'job-1');
SELECT owo_reserve('acme', 'tokens', 3, idempotency_key => 'job-1');
SELECT owo_track('acme', 'storage', 3, idempotency_key => 'job-1');
SELECT code FROM owo_track('acme', 'storage', 1, idempotency_key => 'job-2');
SELECT owo_reserve('acme', 'storage', 1, idempotency_key => 'job-2');
SELECT usage FROM owo_settle(:'first', 2);
SELECT reservation = :'first' AS same, (decision).replayed FROM owo_reserve('acme', 'storage', 3, idempotency_key => 'job-1');
SELECT usage FROM owo_check('acme', 'storage');
-- a denied attempt frees it
SELECT (decision).code FROM owo_reserve('acme', 'tokens', 11, idempotency_key => 'job-3');
SELECT (decision).code, (decision).replayed FROM owo_reserve('acme', 'storage', 1, idempotency_key => 'job-3');

-- refused
SELECT owo_reserve(NULL, 'tokens');
SELECT owo_reserve('acme', NULL);
SELECT owo_reserve('acme', 'tokens', NULL);
SELECT owo_reserve('acme', 'tokens', 1, NULL);
SELECT owo_reserve('acme', 'unknown');
SELECT owo_reserve('acme', 'sso');
SELECT owo_reserve('acme', 'region');
SELECT owo_reserve('acme', 'seats');
SELECT owo_reserve('acme', 'credits');
SELECT owo_reserve('acme', 'tokens', -1);
SELECT owo_reserve('acme', 'tokens', 'NaN');
SELECT owo_reserve('acme', 'tokens', 1e20);
SELECT owo_reserve('acme', 'tokens', 0.0000000001);
SELECT owo_reserve('acme', 'tokens', 1, '0');
SELECT owo_reserve('acme', 'tokens', 1, '-1 min');
SELECT owo_reserve('acme', 'tokens', 1, '24 hours 1 microsecond');
SELECT owo_reserve('acme', 'tokens', 1, '1 month');
SELECT owo_reserve('acme', 'tokens', 1, '178000000 years');
SELECT owo_reserve('acme', 'tokens', 1, metadata => '[]');
SELECT owo_reserve('acme', 'tokens', 1, idempotency_key => '');
SELECT owo_settle(NULL, 1);
SELECT owo_settle(:'seven', NULL);
SELECT owo_settle(:'seven', -1);
SELECT owo_settle(:'seven', 'Infinity');
SELECT owo_settle(:'seven', 1e20);
SELECT owo_release(NULL);
BEGIN READ ONLY;
SELECT owo_reserve('acme', 'storage');
ROLLBACK;
BEGIN;
SELECT (decision).allowed FROM owo_reserve('acme', 'storage');
PREPARE TRANSACTION 'held';
ROLLBACK;
-- not by plain SQL, and not by a reader
SET ROLE postgres;
UPDATE owo.reservation SET status = 'released';
DELETE FROM owo.reservation;
TRUNCATE owo.reservation;
SET ROLE owo_reader;
SELECT owo_reserve('acme', 'storage');
SELECT owo_release(:'seven');
SELECT count(*) > 5 AS seen FROM owo.reservation;
SET ROLE owo_nobody;
SELECT count(*) FROM owo.reservation;
-- the bounds of time are in reach
RESET ROLE;
SELECT (decision).allowed FROM owo_reserve('acme', 'storage', 1, '24 hours');
SELECT (decision).allowed FROM owo_reserve('acme', 'storage', 1, '1 day');
SELECT (decision).allowed FROM owo_reserve('acme', 'storage', 1, '1 microsecond');

-- a limit that a hold reached is told when it became usage, once
SELECT type, data ->> 'feature' AS feature FROM owo.event WHERE type LIKE 'usage.%' OR type LIKE 'credits.exhausted' ORDER BY 1, 2;
-- the record proves it
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
SELECT customer, feature, sum(quantity) AS quantity FROM owo.usage GROUP BY 1, 2 ORDER BY 1, 2;
-- and a hold ends in the folded part as well
SELECT (owo_release(id)).allowed FROM owo.reservation WHERE status = 'open';
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
SELECT count(*) FROM owo.usage_pending;
SELECT DISTINCT status FROM owo.reservation ORDER BY 1;
