-- Entities: slots taken and freed, what scope means, who names them.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "seats", "type": "entity"}, {"slug": "rooms", "type": "entity", "freeAt": "period_end"}, {"slug": "old", "type": "metered", "meterType": "non_consumable"},
               {"slug": "calls"}, {"slug": "tokens"}, {"slug": "sso", "type": "boolean"}, {"slug": "never", "type": "entity"}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [
    {"slug": "seats", "limit": 2}, {"slug": "rooms", "limit": 2}, {"slug": "old"}, {"slug": "calls", "limit": 10}, {"slug": "tokens", "limit": 5, "scope": "entity"}, {"slug": "sso"}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');

SELECT * FROM owo_entity_add('acme', 'seats', 'ada', 'Ada', 'ada@acme.test', '{"team": 1}');
SELECT * FROM owo_entity_add('acme', 'seats', 'ada');
SELECT * FROM owo_entity_add('acme', 'seats', 'bob');
SELECT * FROM owo_entity_add('acme', 'seats', 'bob');
\set VERBOSITY default
SELECT * FROM owo_entity_add('acme', 'seats', 'cyd');
\set VERBOSITY sqlstate
SELECT allowed, code, usage, usage_limit, balance FROM owo_check('acme', 'seats');
SELECT * FROM owo_entity_remove('acme', 'seats', 'ada');
SELECT * FROM owo_entity_add('acme', 'seats', 'cyd');
SELECT * FROM owo_entities('acme', 'seats') ORDER BY entity;
-- another customer, another feature: their own
SELECT count FROM owo_entity_add('zeta', 'seats', 'ada');
SELECT count, usage_limit, remaining FROM owo_entity_add('acme', 'old', 'cyd');

-- freed at the period's end: pending until then, and restored by adding again
SELECT count FROM owo_entity_add('acme', 'rooms', 'one');
SELECT count FROM owo_entity_add('acme', 'rooms', 'two');
SELECT * FROM owo_entity_remove('acme', 'rooms', 'one');
SELECT owo_entity_add('acme', 'rooms', 'three');
SELECT * FROM owo_entity_add('acme', 'rooms', 'one');
SELECT status FROM owo_entity_remove('acme', 'rooms', 'one');
SELECT status FROM owo_entity_remove('acme', 'rooms', 'one');
SELECT owo_clock_set('2027-02-10 00:00+00');
SELECT count, remaining FROM owo_entity_add('acme', 'rooms', 'three');
SELECT * FROM owo_entities('acme') ORDER BY feature, entity;

-- an entity tags usage of the customer's pool
SELECT allowed, usage FROM owo_track('acme', 'calls', 4, 'bob');
SELECT allowed, usage FROM owo_track('acme', 'calls', 4);
SELECT allowed, code, balance FROM owo_check('acme', 'calls', 3, 'cyd');
-- or has the limit to itself
SELECT allowed, usage, balance FROM owo_track('acme', 'tokens', 5, 'bob');
SELECT allowed, code FROM owo_track('acme', 'tokens', 1, 'bob');
SELECT allowed, usage, balance FROM owo_track('acme', 'tokens', 2, 'cyd');
SELECT owo_track('acme', 'tokens', 1);
SELECT allowed, usage, usage_limit, balance FROM owo_check('acme', 'tokens', 0);
SELECT allowed, usage, usage_limit, balance FROM owo_check('acme', 'tokens', 1, 'cyd');
SELECT allowed, code FROM owo_check('acme', 'tokens', 1, 'ada');
SELECT allowed FROM owo_check('acme', 'sso', 1, 'bob');
SELECT entity, sum(quantity) FROM owo.usage WHERE feature = 'tokens' GROUP BY 1 ORDER BY 1;

-- what is refused
SELECT owo_entity_add('nobody', 'seats', 'x');
SELECT owo_entity_add('acme', 'unknown', 'x');
SELECT owo_entity_add('acme', 'calls', 'x');
SELECT owo_entity_add('acme', 'sso', 'x');
SELECT owo_entity_add('acme', 'never', 'x');
-- also right after a check, whose answer is remembered
SELECT allowed FROM owo_check('acme', 'sso');
SELECT owo_track('acme', 'sso');
SELECT allowed IS NOT NULL AS answered FROM owo_check('acme', 'seats');
SELECT owo_track('acme', 'seats');
SELECT owo_entity_add(NULL, 'seats', 'x');
SELECT owo_entity_add('acme', NULL, 'x');
SELECT owo_entity_add('acme', 'seats', NULL);
SELECT owo_entity_add('acme', 'seats', '');
SELECT owo_entity_add('acme', 'seats', repeat('x', 256));
SELECT owo_entity_add('acme', 'seats', 'bob', repeat('x', 1001));
SELECT owo_entity_add('acme', 'seats', 'bob', metadata => '1');
SELECT owo_entity_remove('acme', 'seats', 'nobody');
SELECT owo_entity_remove('nobody', 'seats', 'bob');
SELECT owo_entity_remove('acme', 'calls', 'bob');
SELECT owo_entities('nobody');
SELECT owo_entities(NULL);
SELECT owo_entities('acme', 'unknown');
SELECT owo_entities('acme', 'calls');

-- undone with its transaction
BEGIN;
SELECT count FROM owo_entity_remove('acme', 'seats', 'bob');
SELECT count FROM owo_entity_add('acme', 'seats', 'dan');
ROLLBACK;
SELECT entity FROM owo_entities('acme', 'seats') ORDER BY 1;
-- the sum is over entities that there are: who was removed leaves neither usage nor limit in it
SELECT allowed, usage, usage_limit, balance FROM owo_check('acme', 'tokens');
BEGIN;
SELECT status FROM owo_entity_remove('acme', 'seats', 'bob');
SELECT allowed, usage, usage_limit, balance FROM owo_check('acme', 'tokens');
SELECT allowed, usage, usage_limit, balance FROM owo_check('acme', 'tokens', 1, 'cyd');
ROLLBACK;
-- and over all that an override stands for
SELECT owo_sync('{"plans": [{"slug": "more", "isAddon": true, "features": [{"slug": "tokens", "limit": 5, "scope": "entity"}]}]}') -> 'success';
SELECT code FROM owo_attach('acme', 'more');
SELECT usage, usage_limit FROM owo_track('acme', 'tokens', 6, 'cyd');
SELECT usage, usage_limit FROM owo_check('acme', 'tokens');
SELECT usage_limit FROM owo_override('acme', 'tokens', usage_limit => 20);
SELECT usage, usage_limit FROM owo_check('acme', 'tokens', 1, 'cyd');
SELECT usage, usage_limit FROM owo_check('acme', 'tokens');
-- no entity adds among the units
SELECT DISTINCT feature FROM owo.usage ORDER BY 1;
SELECT * FROM owo_verify();
