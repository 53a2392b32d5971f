-- Saved means of payment: by hand, and as jobs for a provider.
\set VERBOSITY sqlstate
\set method 'provider, kind, is_default, external_id, brand, last_digits'
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
SELECT owo_clock_set('2027-01-01 00:00+00');
BEGIN;
SELECT provider FROM owo_provider_set('stripe', '{"secret_key": "sk_test_a", "webhook_secret": "whsec_a", "base_url": "http://127.0.0.1:9"}');
UPDATE owo.provider_account SET resting_until = '2100-01-01', resting_reason = 'a story';
COMMIT;
SELECT owo_sync('{
  "features": [{"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "creditPacks": [{"slug": "boost", "credits": 100, "price": 900, "currency": "EUR", "creditSystem": "credits", "provider": "stripe"}],
  "plans": [{"slug": "pro", "price": 1000, "currency": "EUR"}]}') -> 'success' AS synced;
SELECT key FROM owo_customer('acme');
RESET ROLE;

-- Nobody has none; a card by hand is noted by who administers.
SELECT * FROM owo_wallet('acme');
SELECT * FROM owo_wallet('nobody');
SELECT * FROM owo_wallet(NULL);
SELECT kind, status, amount, currency, provider, subscription_id FROM owo_wallet_setup('acme');
SELECT count(DISTINCT id) FROM owo_wallet_setup('acme');
SELECT count(*) FROM owo.checkout;
SET ROLE owo_admin;
SELECT (owo_checkout_complete(id, 'mandate 7')).status FROM owo.checkout WHERE status = 'open';
RESET ROLE;
SELECT :method FROM owo_wallet('acme');

-- A provider opens a page for it, where it is told where the customer comes back to.
SELECT owo_wallet_setup('acme', provider => 'stripe');
SELECT kind, provider, callback_url FROM owo_wallet_setup('acme', 'https://acme.test', 'stripe');
SELECT kind FROM owo.outbox ORDER BY id;
SELECT owo_wallet_setup('acme', provider => 'polar');
SELECT owo_wallet_setup('acme', provider => 'cash');
SELECT owo_wallet_setup('nobody');
SELECT owo_wallet_setup(NULL);

-- Without a saved card a pack is paid on a page, with one at once.
SELECT owo_addon('acme', 'boost');
SELECT requires_checkout, checkout_id IS NOT NULL AS has_checkout, credits, balance FROM owo_addon('acme', 'boost', callback_url => 'https://acme.test');
SET ROLE postgres;
INSERT INTO owo.payment_method (id, customer_id, provider, kind, external_id, account_id, is_default, brand, last_digits, created_at)
SELECT '00000000-0000-0000-0000-00000000000a', c.id, 'stripe', 'card', 'pm_1', a.id, false, 'visa', '4242', '2027-01-01'
  FROM owo.customer AS c CROSS JOIN owo.provider_account AS a;
RESET ROLE;
SELECT success, requires_checkout, checkout_id, credits, balance FROM owo_addon('acme', 'boost', quantity => 2, idempotency_key => 'k1');
SELECT success, requires_checkout, checkout_id, credits, balance FROM owo_addon('acme', 'boost', quantity => 2, idempotency_key => 'k1');
SELECT status, reason, provider, amount, currency, paid_at FROM owo.payment;
SELECT kind, status, amount, has_page FROM owo.checkout WHERE status = 'open' ORDER BY amount;
SELECT kind FROM owo.outbox ORDER BY id;
-- Such a checkout is not paid by hand.
SET ROLE owo_admin;
SELECT owo_checkout_complete(id) FROM owo.checkout WHERE NOT has_page;
RESET ROLE;

-- What is removed is gone at once, and the provider is told.
SELECT :method FROM owo_wallet('acme');
SELECT owo_wallet_remove('acme', id) FROM owo_wallet('acme') WHERE provider = 'manual';
SELECT :method FROM owo_wallet('acme');
SELECT owo_wallet_remove('acme', '00000000-0000-0000-0000-00000000000a');
SELECT owo_wallet_remove('acme', '00000000-0000-0000-0000-00000000000a');
SELECT owo_wallet_remove('acme', NULL);
SELECT owo_wallet_remove('nobody', '00000000-0000-0000-0000-00000000000a');
SELECT kind, job ->> 'token' AS token FROM owo.outbox ORDER BY id;
SET ROLE owo_reader;
SELECT owo_wallet_setup('acme');
SELECT count(*) FROM owo_wallet('acme');
