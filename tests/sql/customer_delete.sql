-- A deleted customer: everything ends, what is personal goes, sums stay, the key never comes back to life.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "tokens"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}]}],
  "creditPacks": [{"slug": "pack", "credits": 10, "price": 100, "currency": "USD", "creditSystem": "credits"}],
  "plans": [
    {"slug": "free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}, {"slug": "seats", "limit": 5}, {"slug": "tokens", "limit": 7, "scope": "entity"}]},
    {"slug": "pro", "planGroup": "main", "price": 500, "currency": "USD", "features": [{"slug": "calls", "limit": 100}]},
    {"slug": "card", "planGroup": "other", "price": 500, "currency": "USD", "trialDays": 7, "trialCardRequired": true, "features": [{"slug": "images", "limit": 1}]},
    {"slug": "extra", "isAddon": true, "features": [{"slug": "calls", "limit": 5}]}]}') -> 'success';
RESET ROLE;
SET owostack.organization = 'lab';
SELECT key FROM owo_customer('acme', 'jane@acme.test', 'Jane', '{"phone": "+49 30"}', 'Europe/Berlin');
SELECT key FROM owo_customer('zeta', 'zeta@zeta.test', metadata => '{"kept": true}');
SELECT entity FROM owo_entity_add('acme', 'seats', 'jane@acme.test', 'Jane', 'jane@acme.test', '{"desk": 4}');
SELECT entity FROM owo_entity_add('acme', 'seats', 'joe@acme.test');
SELECT status FROM owo_entity_remove('acme', 'seats', 'joe@acme.test');
SELECT external_id FROM owo_identity_link('acme', 'auth0', 'auth0|jane');
SELECT balance FROM owo_track('acme', 'calls', 3, metadata => '{"ip": "10.0.0.1"}', idempotency_key => 'jane-1');
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
RESET ROLE;
SELECT balance FROM owo_track('acme', 'calls', 2, entity => 'jane@acme.test', metadata => '{"ip": "10.0.0.1"}');
SELECT balance FROM owo_track('acme', 'tokens', 2, entity => 'jane@acme.test');
SELECT balance FROM owo_track('zeta', 'calls', 1, metadata => '{"ip": "10.0.0.2"}');
SELECT code FROM owo_attach('acme', 'extra', metadata => '{"seller": "joe"}');
SELECT code FROM owo_attach('acme', 'pro', metadata => '{"seller": "joe"}', callback_url => 'https://acme.test/?user=jane');
SELECT checkout_id AS c FROM owo_attach('acme', 'card') \gset
SET ROLE owo_admin;
SELECT status FROM owo_checkout_complete(:'c', 'visa of jane');
SELECT checkout_id AS c FROM owo_addon('acme', 'pack') \gset
SELECT status FROM owo_checkout_complete(:'c', 'wire 1');
SELECT success FROM owo_addon('acme', 'pack', quantity => 3, metadata => '{"by": "jane"}');
SELECT amount FROM owo_credit_grant('acme', 'credits', 8, expires_at => '2027-01-10', reason => 'jane was angry');
SELECT usage_limit FROM owo_override('acme', 'calls', usage_limit => 40, reason => 'jane asked');
RESET ROLE;
SELECT code FROM owo_track('acme', 'images', 2);
SELECT (decision).code FROM owo_reserve('acme', 'images', 1, metadata => '{"prompt": "joe"}');
SELECT id AS acme FROM owo.customer WHERE key = 'acme' \gset

-- a rollback deletes nothing
BEGIN;
SELECT owo_customer_delete('acme');
SELECT code FROM owo_check('acme', 'calls');
ROLLBACK;
SELECT code, usage FROM owo_check('acme', 'calls');
-- whoever may, by any name
SET ROLE owo_reader;
SELECT owo_customer_delete('acme');
RESET ROLE;
SELECT owo_customer_delete('JANE@acme.test', 'she asked us to');

-- nobody finds it, and nothing can be done with it
SELECT code FROM owo_check('acme', 'calls');
SELECT code FROM owo_check(:'acme', 'calls');
SELECT code FROM owo_check('jane@acme.test', 'calls');
SELECT owo_customer_by_identity('auth0', 'auth0|jane') IS NULL AS nobody;
SELECT code FROM owo_track('acme', 'calls');
SELECT code FROM owo_track('acme', 'calls', 3, idempotency_key => 'jane-1');
SELECT code FROM owo_attach('acme', 'pro');
SELECT owo_entity_add('acme', 'seats', 'joe');
SELECT owo_identity_link('acme', 'auth0', 'auth0|jane');
SELECT owo_addon('acme', 'pack');
SELECT owo_customer_delete('acme');
SELECT owo_customer_delete('jane@acme.test');
SELECT count(*) FROM owo_features('acme');
SELECT count(*) FROM owo_credits('acme');
-- the key never comes back to life, its e-mail and identities are free
SELECT owo_customer('acme');
SELECT owo_customer('acme', customer_data.email) FROM (VALUES ('x@acme.test')) AS customer_data (email);
SELECT code FROM owo_track('acme', 'calls', customer_data => '{"email": "x@acme.test"}');
SELECT code FROM owo_attach('acme', 'free', '{"email": "x@acme.test"}');
SELECT key, email FROM owo_customer('jane', 'jane@acme.test');
SELECT external_id FROM owo_identity_link('jane', 'auth0', 'auth0|jane');
SELECT key FROM owo_customer_by_identity('auth0', 'auth0|jane');

-- what it had has ended
SELECT p.slug, s.status, s.ended_at IS NOT NULL AS ended FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id WHERE customer_id = :'acme' ORDER BY p.slug;
SELECT kind, status FROM owo.checkout WHERE customer_id = :'acme' ORDER BY kind, status;
SET ROLE owo_admin;
SELECT owo_checkout_complete(id) FROM owo.checkout WHERE customer_id = :'acme' AND status = 'expired' LIMIT 1;
SELECT source, amount, closed_as, taken FROM owo.credit_grant WHERE customer_id = :'acme' ORDER BY amount;
SELECT count(*) FROM owo.entity WHERE customer_id = :'acme';
SELECT count(*) FROM owo.override WHERE customer_id = :'acme';
SELECT count(*) FROM owo.plan_change WHERE customer_id = :'acme';
SELECT count(*) FROM owo.payment_method WHERE customer_id = :'acme';
-- nothing falls due for it any more
SELECT owo_clock_advance('2 months');
SELECT type, count(*) FROM owo.event WHERE customer_id = :'acme' AND at > '2027-01-01' GROUP BY type;

-- sums stay
SELECT feature, sum(quantity) FROM owo.usage WHERE customer = 'acme' GROUP BY feature ORDER BY feature;
SELECT feature, sum(quantity) FROM owo.usage_by_day WHERE customer = 'acme' GROUP BY feature ORDER BY feature;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT feature, entity, metadata, sum(quantity) FROM owo.usage WHERE customer = 'acme' GROUP BY feature, entity, metadata ORDER BY feature;
SELECT metadata FROM owo.usage WHERE customer = 'zeta';
SELECT * FROM owo_verify();
-- what is personal is nowhere: every text of every table, but for the key
SET ROLE postgres;
SELECT key, email, name, metadata, timezone, deleted_at IS NOT NULL AS deleted, deleted_reason FROM owo.customer WHERE id = :'acme';
CREATE FUNCTION pg_temp.traces(word text) RETURNS TABLE (relation text, hits bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR relation IN SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind = 'r' ORDER BY 1 LOOP
        EXECUTE format('SELECT count(*) FROM %s AS t WHERE t::text ILIKE %L', relation, '%' || word || '%') INTO hits;
        IF hits > 0 THEN RETURN NEXT; END IF;
    END LOOP;
END
$$;
SELECT owo_customer_delete('jane');
SELECT w, t.* FROM unnest(ARRAY['jane@', 'auth0', '10.0.0.1', 'desk', '+49', 'angry', 'seller', 'Berlin', 'asked', 'joe']) AS w, pg_temp.traces(w) AS t;

-- bad input
SELECT owo_customer_delete('nobody');
SELECT owo_customer_delete(NULL);
SELECT owo_customer_delete('');
SELECT owo_customer_delete('zeta', repeat('x', 1001));
SELECT owo_customer_delete('zeta', '');
SELECT key FROM owo_customer('zeta');
-- by id, with a uuid as key, in a live organization
RESET owostack.organization;
SELECT key FROM owo_customer('11111111-1111-4111-8111-111111111111');
SELECT owo_customer_delete('11111111-1111-4111-8111-111111111111');
SELECT owo_customer('11111111-1111-4111-8111-111111111111');
