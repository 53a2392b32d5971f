-- owo_track and owo_consume: what is recorded, what is denied, what is refused; transactions; returns.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "sso", "type": "boolean"}, {"slug": "region", "type": "static"}, {"slug": "seats", "type": "entity"},
               {"slug": "storage"}, {"slug": "minutes"}, {"slug": "images"}, {"slug": "words"}, {"slug": "other"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 3}, {"feature": "words", "creditCost": 0.333333333}]}],
  "plans": [
    {"slug": "base", "autoEnable": true, "currency": "USD", "features": [
       {"slug": "calls", "limit": 10}, {"slug": "sso"}, {"slug": "seats", "limit": 2}, {"slug": "storage"},
       {"slug": "minutes", "limit": 5, "overage": "charge", "overagePrice": 10, "maxOverageUnits": 3}, {"slug": "credits", "limit": 10}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');

-- to the limit, whole or not at all
SELECT allowed, code, usage, usage_limit, balance, overage, replayed FROM owo_track('acme', 'calls', 7);
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'calls', 4);
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'calls', 3);
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'calls', 0.000000001);
-- a check sees it
SELECT allowed, code, usage, balance FROM owo_check('acme', 'calls');
-- nothing asks nothing and records nothing
SELECT allowed, code, usage FROM owo_track('acme', 'calls', 0);
SELECT allowed, code FROM owo_track('acme', 'other', 0);
-- unlimited is counted
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'storage', 99999999999999999999.999999999);
SELECT allowed, code, usage, usage_limit, balance FROM owo_track('acme', 'storage', 1);
-- fractions stay exact and lose their trailing zeros
SELECT usage FROM owo_track('acme', 'storage', -99999999999999999999.999999999);
SELECT usage FROM owo_track('acme', 'storage', 0.100);
SELECT usage FROM owo_track('acme', 'storage', 0.2);
SELECT usage, usage = 0.3 AS exact FROM owo_check('acme', 'storage');
-- overage, charged up to its bound
SELECT allowed, code, usage, balance, overage FROM owo_track('acme', 'minutes', 4);
SELECT allowed, code, usage, balance, overage FROM owo_track('acme', 'minutes', 2);
SELECT allowed, code, usage, balance, overage FROM owo_track('acme', 'minutes', 3);
SELECT allowed, code, usage, balance, overage FROM owo_track('acme', 'minutes', 2);
-- credits: 3 for an image, a third for a word, drawn from one pool and rounded up at the ninth decimal
SELECT allowed, code, usage, usage_limit, balance, credits #- '{plan,resets_at}' AS credits FROM owo_track('acme', 'images', 2);
SELECT allowed, code, balance, credits -> 'plan' -> 'used' AS used FROM owo_track('acme', 'words', 0.000000001);
SELECT allowed, code, balance FROM owo_track('acme', 'images', 2);
SELECT allowed, code FROM owo_track('acme', 'words', 11);
SELECT allowed, code, credits -> 'plan' -> 'balance' AS left FROM owo_check('acme', 'images');

-- with its transaction
BEGIN;
SELECT usage FROM owo_track('acme', 'calls', -2);
SELECT usage FROM owo_check('acme', 'calls');
ROLLBACK;
SELECT usage FROM owo_check('acme', 'calls');
BEGIN;
SELECT usage FROM owo_track('acme', 'calls', -4);
SAVEPOINT a;
SELECT usage FROM owo_track('acme', 'calls', 3);
SELECT usage FROM owo_check('acme', 'calls');
ROLLBACK TO a;
SELECT usage FROM owo_check('acme', 'calls');
SAVEPOINT b;
SELECT usage FROM owo_track('acme', 'calls', 1);
RELEASE b;
COMMIT;
SELECT usage, balance FROM owo_check('acme', 'calls');
-- several in one statement see each other
SELECT (owo_track('acme', 'calls', 1)).usage FROM generate_series(1, 5);
-- an error takes its statement's units back
SELECT owo_track('acme', 'calls', -1), 1 / 0;
SELECT usage FROM owo_check('acme', 'calls');

-- returns: never below zero, and not of what was not used
SELECT usage, balance FROM owo_track('acme', 'calls', -10);
SELECT owo_track('acme', 'calls', -1);
SELECT owo_track('acme', 'other', -1);
SELECT usage FROM owo_check('acme', 'calls');
-- overage goes back first
SELECT usage, balance, overage FROM owo_track('acme', 'minutes', -2);
SELECT usage, balance, overage FROM owo_track('acme', 'minutes', -5);
-- credits too
SELECT usage, credits -> 'plan' -> 'used' AS credits_used FROM owo_track('acme', 'images', -1);

-- who and what is not there
SELECT allowed, code FROM owo_track('nobody', 'calls');
SELECT allowed, code FROM owo_track('acme', 'other');
SELECT allowed, code FROM owo_track('acme', 'calls', 1, 'nobody');
SELECT key FROM owo.customer WHERE key = 'nobody';
SELECT allowed, code, usage FROM owo_track('new', 'calls', customer_data => '{"email": "new@new.test", "name": "New"}');
SELECT allowed, code, usage FROM owo_track('new', 'calls', customer_data => '{"name": "Newer"}');
SELECT email, name FROM owo_customer('new');

-- refused
SELECT owo_track(NULL, 'calls');
SELECT owo_track('acme', NULL);
SELECT owo_track('acme', 'calls', NULL);
SELECT owo_track('acme', 'unknown');
SELECT owo_track('nobody', 'unknown');
SELECT owo_track('acme', 'sso');
SELECT owo_track('acme', 'region');
SELECT owo_track('acme', 'seats');
SELECT owo_track('acme', 'credits');
SELECT owo_track('acme', 'calls', 'NaN');
SELECT owo_track('acme', 'calls', '-Infinity');
SELECT owo_track('acme', 'calls', 1e20);
SELECT owo_track('acme', 'calls', -1e20);
SELECT owo_track('acme', 'calls', 0.0000000001);
SELECT owo_track('acme', 'calls', metadata => '[]');
SELECT owo_track('acme', 'calls', metadata => jsonb_build_object('k', repeat('x', 20000)));
SELECT owo_track('acme', 'calls', customer_data => '[]');
SELECT owo_track('', 'calls', customer_data => '{}');
SELECT owo_track(repeat('x', 256), 'calls', customer_data => '{}');
SELECT owo_track('acme', 'calls', customer_data => jsonb_build_object('email', repeat('x', 321)));
SELECT owo_track('acme', 'calls', idempotency_key => repeat('x', 256));
SELECT owo_track('acme', 'calls', idempotency_key => '');
BEGIN READ ONLY;
SELECT owo_track('acme', 'calls');
ROLLBACK;
BEGIN;
SELECT allowed FROM owo_track('acme', 'calls');
PREPARE TRANSACTION 'counted';
ROLLBACK;
SELECT usage FROM owo_check('acme', 'calls');

-- consume turns a denial into an error, and nothing of the statement stays
SELECT code FROM owo_consume('acme', 'calls', 9);
SELECT owo_consume('acme', 'calls', 2);
SELECT usage FROM owo_check('acme', 'calls');
\set VERBOSITY default
SELECT owo_consume('acme', 'calls', 2);
SELECT owo_consume('acme', 'seats');
\set VERBOSITY sqlstate

-- the record: every unit, in units of the feature, with what came along
SELECT usage FROM owo_track('acme', 'calls', 1, metadata => '{"route": "/v1", "n": 1.50}');
SELECT customer, feature, sum(quantity) AS quantity, count(*) > 0 AS rows FROM owo.usage GROUP BY 1, 2 ORDER BY 1, 2;
SELECT metadata FROM owo.usage WHERE metadata IS NOT NULL;
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT customer, feature, sum(quantity) AS quantity FROM owo.usage GROUP BY 1, 2 ORDER BY 1, 2;
SELECT metadata FROM owo.usage WHERE metadata IS NOT NULL;
SELECT * FROM owo_verify();
