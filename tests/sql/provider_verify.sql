-- What providers have already: plans that are listed, and subscriptions that differ.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
SELECT owo_clock_set('2027-01-01 00:00+00');
BEGIN;
SELECT provider FROM owo_provider_set('stripe', '{"secret_key": "sk_test_a", "webhook_secret": "whsec_a", "base_url": "http://127.0.0.1:9"}');
UPDATE owo.provider_account SET resting_until = '2100-01-01', resting_reason = 'a story';
COMMIT;
SELECT owo_sync('{"plans": [{"slug": "pro", "price": 1000, "currency": "USD"}, {"slug": "max", "price": 3000, "currency": "USD"}]}') -> 'success' AS synced;
SELECT key FROM owo_customer('acme');

-- An import is asked for once, and says how far it is.
SELECT owo_provider_import('stripe');
SELECT owo_provider_import('stripe');
SELECT kind, job FROM owo.outbox ORDER BY id;
SELECT owo_provider_import('polar');
SELECT owo_provider_import('manual');
SELECT owo_provider_import(NULL);

-- What the provider should bill and has never spoken of is a difference, each call a fresh look.
SELECT * FROM owo_provider_verify('stripe');
SELECT code FROM owo_attach('acme', 'pro', provider => 'manual');
SELECT code FROM owo_attach('acme', 'max', provider => 'manual');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
UPDATE owo.subscription SET provider = 'stripe';
SELECT object, ours - 'subscription_id' AS ours, theirs FROM owo_provider_verify('stripe');
-- The two say the same, or one of them has ended.
INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, detail, order_at, order_stage, order_noticed_at, order_certain, created_at, updated_at)
SELECT a.id, 'subscription', 'sub_' || p.slug, s.id, s.customer_id,
       jsonb_build_object('heard', jsonb_build_object('words', jsonb_build_array(jsonb_build_array(
           '{"a": "2027-01-01T00:00:00Z", "s": 1, "n": "2027-01-01T00:00:00Z"}'::jsonb,
           jsonb_build_object('is', jsonb_build_object('said', CASE p.slug WHEN 'pro' THEN 'active' ELSE 'ended' END, 'leaving', 'no',
               'period', '["2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"]'::jsonb)))))),
       '2027-01-01', 1, '2027-01-01', true, now(), now()
  FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id
  JOIN owo.provider_account AS a ON a.organization_id = s.organization_id;
SELECT object, id, ours - 'subscription_id' AS ours, theirs FROM owo_provider_verify('stripe');
-- What is on its way is no difference yet.
UPDATE owo.subscription SET linked = true;
SELECT status FROM owo_cancel('acme', 'max', false);
SELECT id FROM owo_provider_verify('stripe');
SELECT cancel_at FROM owo_cancel('acme', 'pro');
SELECT id FROM owo_provider_verify('stripe');
UPDATE owo.outbox SET state = 'done', closed_at = now() WHERE kind = 'cancel';
SELECT id, ours - 'subscription_id' AS ours, theirs FROM owo_provider_verify('stripe');
SELECT kind, count(*) FROM owo.outbox GROUP BY 1 ORDER BY 1;
SELECT owo_provider_verify('cash');
SELECT owo_provider_verify(NULL);
RESET ROLE;
SELECT owo_provider_verify('stripe');
SELECT owo_provider_import('stripe');
