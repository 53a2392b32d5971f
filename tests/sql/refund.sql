-- Money by hand: what a checkout leaves, and what goes back of it.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'shop';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "creditPacks": [{"slug": "boost", "credits": 100, "price": 900, "currency": "USD", "creditSystem": "credits"}],
  "plans": [{"slug": "pro", "planGroup": "base", "price": 1000, "currency": "USD"},
            {"slug": "max", "planGroup": "base", "price": 3000, "currency": "USD"},
            {"slug": "life", "price": 5000, "currency": "USD", "billingType": "one_time"},
            {"slug": "carded", "price": 700, "currency": "USD", "trialDays": 14, "trialCardRequired": true}]}') -> 'success' AS synced;
SELECT key FROM owo_customer('acme');
RESET ROLE;

-- A checkout that was paid leaves a payment that says what for; a card alone leaves none.
SELECT code FROM owo_attach('acme', 'pro');
SET ROLE owo_admin;
SELECT (owo_checkout_complete(id, 'wire 1')).status FROM owo.checkout WHERE status = 'open';
SELECT code FROM owo_attach('acme', 'max');
SELECT (owo_checkout_complete(id, 'wire 2')).status FROM owo.checkout WHERE status = 'open';
SELECT code FROM owo_attach('acme', 'life');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
SELECT code FROM owo_attach('acme', 'carded');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
SELECT requires_checkout FROM owo_addon('acme', 'boost');
SELECT (owo_checkout_complete(id)).status, (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
SELECT provider, status, reason, amount, currency, refunded_amount, external_id, paid_at FROM owo.payment ORDER BY id = id, amount;

-- In parts, never more than was paid.
SELECT id AS p FROM owo.payment WHERE reason = 'first' \gset
SELECT status, amount, refunded_amount FROM owo_refund(:'p', 300, 'half a month', idempotency_key => 'r1');
SELECT refunded_amount FROM owo_refund(:'p', 300, 'half a month', idempotency_key => 'r1');
SELECT owo_refund(:'p', 301, idempotency_key => 'r1');
SELECT refunded_amount FROM owo_refund(:'p', 200);
SELECT owo_refund(:'p', 501);
SELECT owo_refund(:'p', 0);
SELECT owo_refund(:'p', -1);
SELECT refunded_amount FROM owo_refund(:'p');
SELECT owo_refund(:'p');
SELECT status, amount, currency, reason FROM owo.refund ORDER BY amount, reason;
SELECT type, count(*) FROM owo.event WHERE type LIKE 'payment.%' GROUP BY 1 ORDER BY 1;
SELECT data - 'payment_id' - 'refund_id' AS data FROM owo.event WHERE type = 'payment.refunded' ORDER BY data ->> 'amount';

-- With the whole price of a pack its unspent credits go.
SELECT code FROM owo_track('acme', 'images', 3);
SELECT remaining FROM owo_credits('acme');
SELECT refunded_amount FROM owo_refund((SELECT id FROM owo.payment WHERE amount = 900), 100);
SELECT remaining FROM owo_credits('acme');
SELECT refunded_amount FROM owo_refund((SELECT id FROM owo.payment WHERE amount = 900));
SELECT * FROM owo_credits('acme');
SELECT count(*) FROM owo_verify();

-- At a provider they go while the money is on its way, and come again when it is not given back, each time.
SET ROLE postgres;
BEGIN;
SELECT provider FROM owo_provider_set('stripe', '{"secret_key": "sk_test_a", "webhook_secret": "whsec_a", "base_url": "http://127.0.0.1:9"}');
UPDATE owo.provider_account SET resting_until = '2100-01-01', resting_reason = 'a story';
COMMIT;
SELECT requires_checkout FROM owo_addon('acme', 'boost', metadata => '{"campaign": "may"}');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
SELECT code FROM owo_track('acme', 'images', 3);
SELECT id AS pack FROM owo.payment WHERE amount = 900 AND refunded_amount = 0 \gset
UPDATE owo.payment SET provider = 'stripe', account_id = (SELECT id FROM owo.provider_account) WHERE id = :'pack';
\set drop 'SELECT state FROM owo_queue_drop((SELECT o.id FROM owo.outbox AS o JOIN owo.refund AS r ON r.id = o.subject_id WHERE o.state = ''queued'' ORDER BY r.amount LIMIT 1), ''the bank is closed'');'
SELECT status, refunded_amount FROM owo_refund(:'pack');
SELECT * FROM owo_credits('acme');
:drop
SELECT source, granted, used, remaining FROM owo_credits('acme');
SELECT code FROM owo_track('acme', 'images', 2);
SELECT refunded_amount FROM owo_refund(:'pack');
SELECT * FROM owo_credits('acme');
:drop
SELECT source, granted, used, remaining FROM owo_credits('acme');
-- In parts: with the last one they go, and they come again with the first that fails, once.
SELECT refunded_amount FROM owo_refund(:'pack', 300);
SELECT remaining FROM owo_credits('acme');
SELECT refunded_amount FROM owo_refund(:'pack');
SELECT * FROM owo_credits('acme');
:drop
SELECT remaining FROM owo_credits('acme');
:drop
SELECT remaining FROM owo_credits('acme');
SELECT amount, status, failure_message, credit_grant_id IS NOT NULL AS took FROM owo.refund WHERE payment_id = :'pack' ORDER BY amount;
SELECT amount, taken, closed_as, reason, metadata, pack_id IS NOT NULL AS pack FROM owo.credit_grant WHERE metadata <> '{}' ORDER BY amount DESC, taken;
SELECT data ->> 'amount' AS again FROM owo.event WHERE type = 'credits.granted' ORDER BY 1;
SELECT count(*) FROM owo_verify();
-- Who is gone gets nothing.
SELECT refunded_amount FROM owo_refund(:'pack');
SELECT owo_customer_delete('acme');
:drop
SELECT count(*) FROM owo.credit_grant WHERE closed_at IS NULL;
SELECT count(*) FROM owo_verify();
SET ROLE owo_admin;

-- Who may, and what is no payment.
SELECT owo_refund('00000000-0000-0000-0000-000000000001');
SELECT owo_refund(NULL);
RESET ROLE;
SELECT owo_refund(:'p');
SET owostack.organization = 'default';
SET ROLE owo_admin;
SELECT owo_refund(:'p');
