-- Checkouts of provider manual: completed, failed, expired; the procedure.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'shop';
SELECT owo_clock_set('2025-04-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}],
  "plans": [
    {"slug": "pro", "name": "Pro", "price": 2000, "currency": "USD", "planGroup": "main", "features": [{"slug": "calls", "limit": 1000}]},
    {"slug": "max", "name": "Max", "price": 5000, "currency": "USD", "planGroup": "main", "features": [{"slug": "calls", "limit": 5000}]},
    {"slug": "card", "name": "Card", "price": 3000, "currency": "USD", "planGroup": "other", "trialDays": 14, "trialCardRequired": true,
     "features": [{"slug": "calls", "limit": 300, "trialLimit": 30}]}
  ]}') -> 'success';
SELECT key FROM owo_customer('acme');

-- a checkout grants nothing until it is completed
SELECT checkout_id AS c, subscription_id AS s FROM owo_attach('acme', 'pro', callback_url => 'https://shop.example/back') \gset
SELECT kind, status, url, expires_at, amount, currency, provider, callback_url FROM owo_checkout_get(:'c');
SELECT code FROM owo_check('acme', 'calls');
SELECT status, reference FROM owo_checkout_complete(:'c', 'wire 1');
SELECT (owo_check('acme', 'calls')).usage_limit;
-- one effect, however often it is reported
SELECT status, reference FROM owo_checkout_complete(:'c', 'wire 2');
SELECT count(*) FROM owo.event WHERE type = 'checkout.completed';
SELECT owo_checkout_fail(:'c');
SELECT status FROM owo.subscription WHERE id = :'s';

-- a failed one ends what waited, and never comes back
SELECT checkout_id AS c, subscription_id AS s FROM owo_attach('acme', 'max') \gset
SELECT status, reason FROM owo_checkout_fail(:'c', 'card declined');
SELECT status, reason FROM owo_checkout_fail(:'c');
SELECT owo_checkout_complete(:'c');
SELECT status, ended_at FROM owo.subscription WHERE id = :'s';
SELECT plan, status FROM owo.subscription_now WHERE status = 'active';

-- nobody came: it expires by date, whoever looks first
SELECT checkout_id AS c, subscription_id AS s FROM owo_attach('acme', 'max') \gset
BEGIN;
SELECT owo_clock_advance('23:59:59');
SELECT status FROM owo_checkout_complete(:'c');
ROLLBACK;
SELECT owo_clock_advance('1 day');
SELECT status FROM owo_checkout_get(:'c');
SELECT status, ended_at FROM owo.subscription WHERE id = :'s';
SELECT owo_checkout_complete(:'c');
SELECT checkout_id <> :'c' AS another FROM owo_attach('acme', 'max');

-- canceling what waits closes its checkout
SELECT status FROM owo_cancel('acme', 'max');
SELECT status, count(*) FROM owo.checkout GROUP BY status ORDER BY status;

-- two open checkouts of one group: each completion replaces what is live then
SELECT checkout_id AS c FROM owo_attach('acme', 'max') \gset
SELECT status FROM owo_cancel('acme', 'pro', at_period_end => false);
SELECT checkout_id AS d FROM owo_attach('acme', 'pro') \gset
SELECT status FROM owo_checkout_complete(:'c');
SELECT status FROM owo_checkout_complete(:'d');
SELECT plan, status FROM owo.subscription_now WHERE status = 'active';

-- a trial with a card: the checkout asks for the card, the trial begins with it
SELECT checkout_id AS c FROM owo_attach('acme', 'card') \gset
SELECT kind, amount FROM owo_checkout_get(:'c');
SELECT owo_clock_advance('1 hour');
SELECT status FROM owo_checkout_complete(:'c', 'standing order');
SELECT plan, status, trial_ends_at FROM owo.subscription_now WHERE plan = 'card';
SELECT provider, kind, is_default, external_id FROM owo.payment_method;
SELECT (owo_check('acme', 'calls')).usage_limit;
SELECT owo_clock_advance('14 days');
SELECT plan, status, period_start, period_end FROM owo.subscription_now WHERE plan = 'card';
SELECT (owo_check('acme', 'calls')).usage_limit;

-- bad input
SELECT owo_checkout_get(NULL);
SELECT owo_checkout_get('00000000-0000-0000-0000-000000000000');
SELECT owo_checkout_complete('00000000-0000-0000-0000-000000000000');
SELECT owo_checkout_complete(:'c', repeat('x', 256));
SELECT owo_checkout_fail(NULL);
-- another organization's
RESET owostack.organization;
SELECT owo_checkout_get(:'c');
SET owostack.organization = 'shop';

-- the procedure commits, so it refuses a transaction block before anything is attached
SELECT key FROM owo_customer('proc');
BEGIN;
CALL owo_checkout('proc', 'pro');
ROLLBACK;
SELECT count(*) FROM owo.subscription_now WHERE customer = 'proc';
CREATE TEMP TABLE seen (checkout_id uuid, url text, status text);
DO $$
DECLARE
    id uuid; address text; state text;
BEGIN
    CALL owo_checkout('proc', 'pro', checkout_id => id, url => address, status => state);
    INSERT INTO seen VALUES (id, address, state);
END
$$;
SELECT checkout_id IS NOT NULL AS has_id, url, status FROM seen;
SELECT plan, status FROM owo.subscription_now WHERE customer = 'proc';
CALL owo_checkout('proc', 'nothing');
\pset format unaligned
CALL owo_checkout('nobody', 'pro');
