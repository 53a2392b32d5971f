-- A batch answers like so many calls, also where most of it is known already and taken without a look-up.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "mails"}, {"slug": "words"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "words", "creditCost": 2}]}],
  "plans": [{"slug": "base", "autoEnable": true, "currency": "USD", "features": [
    {"slug": "calls", "limit": 10}, {"slug": "mails", "limit": 3, "overage": "charge", "overagePrice": 5}, {"slug": "credits", "limit": 9}]}]}') -> 'success' AS success;
RESET ROLE;
SELECT count(owo_customer(c)) FROM unnest('{one,two}'::text[]) AS c;

-- Nothing is known of them yet; then everything is.
SELECT allowed, code, usage, balance, details->>'message' AS message FROM owo_track_batch('[
  {"customer": "one", "feature": "calls"}, {"customer": "two", "feature": "calls", "value": 2}]');
SELECT allowed, code, usage, balance, details->>'message' AS message FROM owo_track_batch('[
  {"customer": "one", "feature": "calls"}, {"customer": "two", "feature": "calls", "value": 2.5},
  {"customer": "one", "feature": "calls", "value": -1}, {"customer": "nobody", "feature": "calls"},
  {"customer": "one", "feature": "mails", "value": 4}, {"customer": "one", "feature": "words", "value": 2},
  {"customer": "one", "feature": "calls", "metadata": {"a": 1}}, {"customer": "one", "feature": "calls", "value": "0.5"}]');

-- Up to the limit and beyond: the last ones are denied and leave nothing.
SELECT allowed, code, usage, balance, details->'drawn' AS drawn FROM owo_track_batch('[
  {"customer": "one", "feature": "calls", "value": 7}, {"customer": "one", "feature": "calls", "value": 1},
  {"customer": "one", "feature": "calls", "value": 0.5}, {"customer": "one", "feature": "calls", "value": 0.5}]');
SET ROLE postgres;
SELECT type, data->>'feature' AS feature, data->>'usage' AS usage FROM owo.event WHERE type = 'usage.limit_reached' ORDER BY 2;
RESET ROLE;

-- One key, one effect: within a call, and from call to call.
SELECT allowed, code, usage, replayed FROM owo_track_batch('[
  {"customer": "two", "feature": "calls", "idempotency_key": "a"}, {"customer": "two", "feature": "calls", "idempotency_key": "b"},
  {"customer": "two", "feature": "calls", "idempotency_key": "a"}]');
SELECT allowed, code, usage, replayed, details->>'message' AS message FROM owo_track_batch('[
  {"customer": "two", "feature": "calls", "idempotency_key": "b"}, {"customer": "two", "feature": "calls", "idempotency_key": "c"}]');
SELECT replayed, usage FROM owo_track('two', 'calls', idempotency_key => 'c');
SELECT owo_track_batch('[{"customer": "two", "feature": "calls", "value": 2, "idempotency_key": "d"},
                         {"customer": "two", "feature": "calls", "value": 1, "idempotency_key": "d"}]');
SELECT owo_track_batch('[{"customer": "two", "feature": "calls", "value": 1, "idempotency_key": "a", "entity": "x"}]');

-- An error of one is an error of all.
SELECT owo_track_batch('[{"customer": "two", "feature": "calls"}, {"customer": "two", "feature": "none"}]');
SELECT owo_track_batch('[{"customer": "two", "feature": "calls"}, {"customer": "two", "feature": "calls", "price": 1}]');
SELECT owo_track_batch('[{"customer": "two", "feature": "calls"}, {"customer": "two", "feature": "calls", "value": 1e-10}]');
SELECT owo_track_batch('[{"customer": "two", "feature": "calls"}, 5]');
SELECT owo_track_batch('{"customer": "two", "feature": "calls"}');
SELECT owo_track_batch('"calls"');
SELECT count(*) FROM owo_track_batch('[]');

-- What was rolled back is nobody's.
BEGIN;
SELECT usage FROM owo_track_batch('[{"customer": "two", "feature": "calls", "value": 0.25}]');
SAVEPOINT s;
SELECT usage FROM owo_track_batch('[{"customer": "two", "feature": "calls", "value": 0.25}]');
ROLLBACK TO s;
SELECT usage FROM owo_check('two', 'calls');
ROLLBACK;
SELECT usage FROM owo_check('two', 'calls');
-- what the rows say is what was answered
SET ROLE postgres;
SELECT count(*) AS differences FROM owo_verify();
