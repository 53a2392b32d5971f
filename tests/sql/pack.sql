-- Credit packs with provider manual: bought through a checkout, or taken at once when they cost nothing.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'shop';
SELECT owo_clock_set('2027-01-30 14:00+00');
SELECT owo_sync('{
  "features": [{"slug": "images"}, {"slug": "words"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}, {"feature": "words", "creditCost": 0.5}]},
                    {"slug": "minutes", "features": [{"feature": "words", "creditCost": 1}]}],
  "creditPacks": [
    {"slug": "small", "name": "Small", "credits": 100, "price": 1000, "currency": "USD", "creditSystem": "credits"},
    {"slug": "large", "name": "Large", "credits": 500, "price": 500000, "currency": "JPY", "creditSystem": "credits", "expiresAfter": "1 month"},
    {"slug": "welcome", "name": "Welcome", "credits": 7.5, "price": 0, "creditSystem": "credits", "expiresAfter": 30},
    {"slug": "talk", "name": "Talk", "credits": 60, "price": 100, "currency": "KWD", "creditSystem": "minutes"},
    {"slug": "huge", "name": "Huge", "credits": 90000000000000000000, "price": 4611686018427387904, "currency": "USD", "creditSystem": "credits"},
    {"slug": "striped", "name": "Striped", "credits": 1, "price": 100, "currency": "USD", "creditSystem": "credits", "provider": "stripe"}],
  "plans": [{"slug": "base", "features": [{"slug": "credits", "limit": 20}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
RESET ROLE;

-- nothing is given before it is paid
SELECT success, requires_checkout, checkout_id IS NOT NULL AS has_checkout, checkout_url, credits, balance, reference = checkout_id::text AS refers
FROM owo_addon('acme', 'small', quantity => 2, callback_url => 'https://shop.example/back', metadata => '{"campaign": "may"}');
SELECT id AS c FROM owo.checkout \gset
SELECT kind, status, amount, currency, provider, callback_url, metadata, expires_at, subscription_id, plan_id, credits, quantity FROM owo_checkout_get(:'c');
SELECT code FROM owo_check('acme', 'images');
SELECT * FROM owo_credits('acme');
SELECT type FROM owo.event WHERE type LIKE 'c%.%' ORDER BY type;

-- paid: the credits are there, once, however often it is reported
SELECT owo_checkout_complete(:'c');
SET ROLE owo_admin;
SELECT status, reference FROM owo_checkout_complete(:'c', 'wire 1');
SELECT status, reference FROM owo_checkout_complete(:'c', 'wire 2');
RESET ROLE;
SELECT * FROM owo_credits('acme');
SELECT source, amount, expires_at, priority, metadata, checkout_id = :'c' AS paid_by FROM owo.credit_grant;
SELECT type, data - ARRAY['grant', 'checkout_id'] AS data FROM owo.event WHERE type LIKE 'c%.%' AND type NOT IN ('customer.created', 'catalog.changed') ORDER BY type;
SELECT code, usage, usage_limit, balance, credits FROM owo_track('acme', 'images', 3);
SELECT * FROM owo_credits('acme');
SET ROLE owo_admin;
SELECT owo_checkout_fail(:'c');
RESET ROLE;

-- life: a month later, clamped to its end, in the customer's zone (31 January there)
SELECT timezone FROM owo_customer('acme', timezone => 'Asia/Tokyo');
SELECT checkout_id AS c, credits, balance FROM owo_addon('acme', 'large') \gset
SELECT :credits AS credits, :balance AS balance;
SET ROLE owo_admin;
SELECT owo_clock_advance('2 hours');
SELECT status, amount, currency FROM owo_checkout_complete(:'c');
RESET ROLE;
SELECT system, source, granted, used, remaining, expires_at, priority FROM owo_credits('acme');

-- what was sold is what is given, whatever the catalog says meanwhile
SELECT checkout_id AS c FROM owo_addon('acme', 'small') \gset
SET ROLE owo_admin;
UPDATE owo.credit_pack SET credits = 1, price_amount = 9, expires_after = '1 day', active = false WHERE slug = 'small';
SELECT status, amount, credits FROM owo_checkout_complete(:'c');
RESET ROLE;
SELECT granted, expires_at FROM owo_credits('acme') WHERE granted = 100;
SELECT owo_addon('acme', 'small');
SET ROLE owo_admin;
UPDATE owo.credit_pack SET credits = 100, price_amount = 1000, expires_after = NULL, active = true WHERE slug = 'small';
RESET ROLE;

-- what costs nothing is there at once
SELECT success, requires_checkout, checkout_id, checkout_url, credits, balance FROM owo_addon('acme', 'welcome', metadata => '{"from": "us"}');
SELECT source, amount, metadata, expires_at FROM owo.credit_grant WHERE amount = 7.5;
SELECT count(*) FROM owo.checkout WHERE status = 'open';

-- refused, and never completed after that
SELECT checkout_id AS c FROM owo_addon('acme', 'small') \gset
SET ROLE owo_admin;
SELECT status, reason FROM owo_checkout_fail(:'c', 'card declined');
SELECT status FROM owo_checkout_fail(:'c');
SELECT owo_checkout_complete(:'c');
RESET ROLE;
-- nobody came
SELECT checkout_id AS c FROM owo_addon('acme', 'small') \gset
SET ROLE owo_admin;
SELECT owo_clock_advance('1 day');
SELECT status, closed_at FROM owo_checkout_get(:'c');
SELECT owo_checkout_complete(:'c');
RESET ROLE;
SELECT type, count(*) FROM owo.event WHERE type LIKE 'checkout.%' GROUP BY type ORDER BY type;

-- two systems, three currencies: each checkout in its own, credits of one system in one pool
SELECT checkout_id AS c FROM owo_addon('acme', 'talk', quantity => 3) \gset
SELECT amount, currency FROM owo_checkout_get(:'c');
SET ROLE owo_admin;
SELECT status FROM owo_checkout_complete(:'c');
RESET ROLE;
SELECT system, sum(remaining) FROM owo_credits('acme') GROUP BY system ORDER BY system;
SELECT currency, sum(amount) FROM owo.checkout WHERE status = 'completed' GROUP BY currency ORDER BY currency;

-- plan credits are spent first and stand in the balance
SELECT key FROM owo_customer('plan');
SELECT code FROM owo_attach('plan', 'base');
SELECT balance FROM owo_addon('plan', 'welcome');
SELECT code, balance, credits -> 'plan' ->> 'used' AS of_plan, credits -> 'addon_balance' AS of_packs FROM owo_track('plan', 'images', 5);
SELECT code, balance FROM owo_track('plan', 'images', 1);
SELECT code, balance FROM owo_track('plan', 'words', 5);

-- one effect per key
SELECT checkout_id AS c FROM owo_addon('plan', 'small', idempotency_key => 'k1') \gset
SELECT checkout_id = :'c' AS same, credits FROM owo_addon('plan', 'small', idempotency_key => 'k1');
SELECT owo_addon('plan', 'small', quantity => 2, idempotency_key => 'k1');
SELECT owo_addon('plan', 'large', idempotency_key => 'k1');
SELECT owo_track('plan', 'words', 0.1, idempotency_key => 'k1');
SELECT owo_addon('plan', 'small', idempotency_key => '');
-- without one, each is a purchase of its own
SELECT checkout_id <> :'c' AS another FROM owo_addon('plan', 'small');
BEGIN;
SELECT credits FROM owo_addon('plan', 'welcome', idempotency_key => 'k2');
ROLLBACK;
SELECT credits FROM owo_addon('plan', 'welcome', quantity => 2, idempotency_key => 'k2');

-- bad input
SELECT owo_addon('acme', 'nothing');
SELECT owo_addon('nobody', 'small');
SELECT owo_addon('nobody', 'nothing');
SELECT owo_addon(NULL, 'small');
SELECT owo_addon('acme', NULL);
SELECT owo_addon('acme', '');
SELECT owo_addon('acme', 'small', quantity => NULL);
SELECT owo_addon('acme', 'small', quantity => 0);
SELECT owo_addon('acme', 'small', quantity => -1);
SELECT owo_addon('acme', 'huge', quantity => 2);
SELECT credits FROM owo_addon('acme', 'huge');
SELECT owo_addon('acme', 'small', provider => 'paypal');
SELECT owo_addon('acme', 'small', provider => 'stripe');
SELECT owo_addon('acme', 'striped');
SELECT credits FROM owo_addon('acme', 'striped', provider => 'manual');
SELECT owo_addon('acme', 'small', metadata => '[]');
SELECT owo_addon('acme', 'small', metadata => jsonb_build_object('x', repeat('y', 17000)));
SELECT owo_addon('acme', 'small', callback_url => repeat('x', 2049));
-- rights
SET ROLE owo_reader;
SELECT owo_addon('acme', 'small');
SELECT count(*) > 0 AS listed FROM owo_credits('acme');
SET ROLE owo_nobody;
SELECT owo_addon('acme', 'small');
SELECT owo_credits('acme');
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
