-- An API product: companies pay, users and gateway keys call; what the gateway knows is an identity, what is limited
-- by itself is an entity.
-- From the top of the repository: psql -d <database with the extension> -f examples/api-product/tour.sql
\set ON_ERROR_STOP on
\set catalog `cat examples/api-product/catalog.json`
SELECT slug FROM owo_organization('api', 'API product', 'sandbox');
SET owostack.organization = 'api';
SELECT owo_clock_set('2027-01-01 00:10+00');
SELECT owo_sync(:'catalog') -> 'success' AS synced;

-- 1. A company is the customer; its users, and the key that the gateway issued, are names of it
SELECT key FROM owo_customer('initech', 'api@initech.example', 'Initech', '{"region": "eu"}');
SELECT kind, external_id FROM owo_identity_link('initech', 'analytics', 'company_77', 'company');
SELECT kind, external_id FROM owo_identity_link('initech', 'analytics', 'user_1', 'user');
SELECT kind, external_id FROM owo_identity_link('initech', 'analytics', 'user_2', 'user');
SELECT kind, external_id FROM owo_identity_link('initech', 'gateway', 'consumer-9f3a', 'consumer');
-- each user and each key takes a slot of the plan
SELECT count, usage_limit FROM owo_entity_add('initech', 'users', 'user_1');
SELECT count, usage_limit FROM owo_entity_add('initech', 'users', 'user_2');
SELECT count, usage_limit FROM owo_entity_add('initech', 'api-keys', 'key_prod');
\set ON_ERROR_STOP off
SELECT owo_entity_add('initech', 'api-keys', 'key_test');
\set ON_ERROR_STOP on

-- 2. What a gateway asks on each request: from the consumer to the customer, from the key to its own limit
CREATE FUNCTION pg_temp.admit(consumer text, api_key text) RETURNS TABLE (customer text, admitted boolean, code text, left_for_the_key numeric, resets_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT c.key, d.allowed, d.code, d.balance, d.resets_at
    FROM owo_customer_by_identity('gateway', consumer, 'consumer') AS c, owo_check(c.key, 'key-requests', 1, api_key) AS d
$$;
SELECT * FROM pg_temp.admit('consumer-9f3a', 'key_prod');
SELECT * FROM pg_temp.admit('consumer-9f3a', 'key_stolen');
SELECT * FROM pg_temp.admit('consumer-0000', 'key_prod');

-- 3. What it reports afterwards: a batch, each request once, against the key and against the company
CREATE FUNCTION pg_temp.report(requests jsonb) RETURNS TABLE (recorded bigint, refused bigint) LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE d.allowed), count(*) FILTER (WHERE NOT d.allowed)
    FROM owo_track_batch((
        SELECT jsonb_agg(jsonb_build_object('customer', r ->> 'company', 'feature', f.slug, 'entity', r ->> 'key', 'idempotency_key', f.slug || ' ' || (r ->> 'id'),
                                            'metadata', jsonb_build_object('user', r ->> 'user', 'route', r ->> 'route')) ORDER BY n, f.slug)
        FROM jsonb_array_elements(requests) WITH ORDINALITY AS q (r, n), (VALUES ('requests'), ('key-requests')) AS f (slug))) AS d
$$;
SELECT * FROM pg_temp.report('[{"id": "r1", "company": "initech", "key": "key_prod", "user": "user_1", "route": "/v1/search"},
                               {"id": "r2", "company": "initech", "key": "key_prod", "user": "user_2", "route": "/v1/search"},
                               {"id": "r2", "company": "initech", "key": "key_prod", "user": "user_2", "route": "/v1/search"}]');
SELECT usage, usage_limit, balance FROM owo_check('initech', 'requests');
SELECT usage, usage_limit, balance FROM owo_check('initech', 'key-requests', entity => 'key_prod');

-- 4. A key at its limit; the company's pool is far from its own
SELECT allowed, code, balance FROM owo_track('initech', 'key-requests', 58, 'key_prod');
SELECT * FROM pg_temp.admit('consumer-9f3a', 'key_prod');
SELECT allowed, balance FROM owo_check('initech', 'requests');
-- it resets with the hour, on the clock
SELECT owo_clock_set('2027-01-01 01:00+00');
SELECT * FROM pg_temp.admit('consumer-9f3a', 'key_prod');

-- 5. The company grows: more keys, each with a limit to itself, overage of the pool, data priced by tiers
SELECT checkout_id FROM owo_attach('initech', 'growth') \gset growth_
SELECT status, amount FROM owo_checkout_complete(:'growth_checkout_id', 'wire 1');
SELECT count, usage_limit FROM owo_entity_add('initech', 'api-keys', 'key_test');
SELECT k AS key, d.usage, d.usage_limit, d.balance FROM unnest(ARRAY['key_prod', 'key_test']) AS k, owo_track('initech', 'key-requests', 10, k) AS d;
SELECT code, usage, usage_limit, balance, overage FROM owo_track('initech', 'requests', 101500, 'key_prod');
SELECT code, usage, usage_limit, details #> '{pricing,tiers}' AS tiers FROM owo_track('initech', 'egress', 12.5, 'key_prod');
SELECT owo_value('initech', 'burst') AS requests_per_second, owo_allowed('initech', 'webhooks') AS webhooks;

-- 6. An agreement with this company until its renewal: no overage while there is more to have
SELECT usage_limit, reason FROM owo_override('initech', 'requests', usage_limit => 200000, until_renewal => true, reason => 'launch week');
SELECT code, usage, usage_limit, balance FROM owo_check('initech', 'requests');

-- 7. A user leaves: the seat is free with the next period; a key is revoked at once
SELECT entity, status, count, remaining FROM owo_entity_remove('initech', 'users', 'user_2');
SELECT entity, status, count, remaining FROM owo_entity_remove('initech', 'api-keys', 'key_test');
SELECT owo_identity_unlink('initech', 'analytics', 'user_2', 'user');
SELECT (owo_customer_by_identity('analytics', 'user_2', 'user')).key IS NULL AS nobody;
SELECT code FROM owo_check('initech', 'key-requests', 1, 'key_test');
SELECT owo_clock_set('2027-02-01 01:00+00');
SELECT count(*) AS users FROM owo_entities('initech', 'users');

-- 8. Who used what: by key, by user, by day
SELECT feature, entity, sum(quantity) AS quantity FROM owo.usage WHERE organization = 'api' AND customer = 'initech' GROUP BY feature, entity ORDER BY feature, entity;
SELECT metadata ->> 'user' AS "user", count(*) AS requests FROM owo.usage WHERE organization = 'api' AND feature = 'requests' AND metadata ? 'user' GROUP BY 1 ORDER BY 1;
SELECT feature, day, quantity FROM owo.usage_by_day WHERE organization = 'api' ORDER BY feature, day;
SELECT count(*) AS differences FROM owo_verify();
