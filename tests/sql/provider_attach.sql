-- What attaching and commands mean where a provider bills: which jobs are written, and what is
-- refused. The accounts rest, so that nothing is sent.
\set VERBOSITY sqlstate
\set answer 'success, code, type, requires_checkout AS page, checkout_id IS NOT NULL AS checkout, status, trial, amount_due, currency'
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
SELECT owo_clock_set('2027-01-01 00:00+00');
BEGIN;
SELECT provider FROM owo_provider_set('stripe', '{"secret_key": "sk_test_a", "webhook_secret": "whsec_a", "base_url": "http://127.0.0.1:9"}');
SELECT provider FROM owo_provider_set('paystack', '{"secret_key": "sk_test_a", "base_url": "http://127.0.0.1:9"}');
SELECT provider FROM owo_provider_set('polar', '{"secret_key": "a", "webhook_secret": "b", "base_url": "http://127.0.0.1:9"}');
UPDATE owo.provider_account SET resting_until = '2100-01-01', resting_reason = 'a story';
COMMIT;
-- Jobs since the last look, in the order in which they are sent, by the plan that they are about.
CREATE VIEW told AS
SELECT o.id, a.provider, o.kind, o.job ->> 'timing' AS timing, coalesce(p.slug, q.slug) AS plan
  FROM owo.outbox AS o
  JOIN owo.provider_account AS a ON a.id = o.account_id
  LEFT JOIN owo.subscription AS s ON s.id = o.subject_id
  LEFT JOIN owo.plan AS p ON p.id = s.plan_id
  LEFT JOIN owo.checkout AS c ON c.id = o.subject_id
  LEFT JOIN owo.plan AS q ON q.id = c.plan_id
 WHERE o.kind NOT LIKE 'ensure%'
 ORDER BY o.id;
CREATE TABLE seen (id uuid PRIMARY KEY);
\set told 'WITH new AS (INSERT INTO seen SELECT id FROM told ON CONFLICT DO NOTHING RETURNING id) SELECT provider, kind, timing, plan FROM told JOIN new USING (id) ORDER BY told.id;'
-- What the provider would have said: it runs the customer's subscription to that plan.
CREATE PROCEDURE runs(customer text, plan text, provider text) LANGUAGE sql AS $$
    WITH s AS (
        UPDATE owo.subscription AS s SET provider = runs.provider, linked = true
          FROM owo.customer AS c, owo.plan AS p
         WHERE c.id = s.customer_id AND c.key = runs.customer AND p.id = s.plan_id
           AND p.slug = runs.plan AND s.status IN ('active', 'trialing')
        RETURNING s.id, s.customer_id, s.organization_id)
    INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, created_at, updated_at)
    SELECT a.id, 'subscription', 'sub_' || s.id, s.id, s.customer_id, now(), now()
      FROM s JOIN owo.provider_account AS a
        ON a.organization_id = s.organization_id AND a.provider = runs.provider
$$;
SELECT owo_sync('{
  "features": [{"slug": "calls"}],
  "planGroups": [{"slug": "base"}],
  "plans": [
    {"slug": "free", "planGroup": "base"},
    {"slug": "pro", "planGroup": "base", "price": 1000, "currency": "USD",
     "billingCycles": [{"key": "odd", "price": 2500, "currency": "USD", "interval": "monthly", "intervalCount": 2}]},
    {"slug": "same", "planGroup": "base", "price": 1000, "currency": "USD"},
    {"slug": "max", "planGroup": "base", "price": 3000, "currency": "USD"},
    {"slug": "lite", "planGroup": "base", "price": 400, "currency": "USD"},
    {"slug": "life", "planGroup": "base", "rank": 9, "price": 90000, "currency": "USD", "billingType": "one_time"},
    {"slug": "tried", "price": 700, "currency": "USD", "trialDays": 14},
    {"slug": "carded", "price": 700, "currency": "USD", "trialDays": 14, "trialCardRequired": true}]}') -> 'success' AS synced;
SELECT key FROM owo_customer('acme', email => 'a@acme.test');

-- A plan begins on a page of the provider. Asking again is the same checkout and no new job.
SELECT :answer FROM owo_attach_preview('acme', 'pro', provider => 'stripe', callback_url => 'https://acme.test');
SELECT :answer FROM owo_attach('acme', 'pro', provider => 'stripe', callback_url => 'https://acme.test');
SELECT :answer FROM owo_attach('acme', 'pro', provider => 'stripe', callback_url => 'https://acme.test');
:told
-- Leaving what waits ends the page.
SELECT status FROM owo_cancel('acme', 'pro', false);
:told
-- Without an address to come back to there is no page, and an interval that cannot be expressed is
-- refused before there is one.
\set VERBOSITY terse
SELECT owo_attach('acme', 'pro', provider => 'stripe');
SELECT owo_attach_preview('acme', 'pro', provider => 'stripe');
SELECT owo_attach('acme', 'pro', provider => 'paystack', cycle => 'odd');
SELECT owo_attach_preview('acme', 'pro', provider => 'paystack', cycle => 'odd');
SELECT owo_attach('acme', 'pro', provider => 'dodo');
\set VERBOSITY sqlstate
:told

-- With a subscription that the provider runs, no page is needed for more.
SELECT code FROM owo_attach('acme', 'pro', provider => 'manual');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
CALL runs('acme', 'pro', 'stripe');
SELECT :answer FROM owo_attach_preview('acme', 'max', provider => 'stripe');
SELECT :answer, effective_at, message FROM owo_attach('acme', 'max', provider => 'stripe');
SELECT :answer FROM owo_attach('acme', 'max', provider => 'stripe');
:told
-- One change at a time.
SELECT owo_attach('acme', 'life', provider => 'stripe');
SELECT owo_attach('acme', 'life', provider => 'stripe', callback_url => 'https://acme.test');
SELECT status FROM owo_cancel('acme', 'max', false);
:told

-- Later: set, replaced, taken back.
SELECT :answer FROM owo_attach('acme', 'lite', provider => 'stripe');
:told
SELECT code FROM owo_attach('acme', 'same', provider => 'stripe', timing => 'period_end');
:told
SELECT code FROM owo_attach('acme', 'pro', provider => 'stripe');
:told
-- A free plan at period end is an end there.
SELECT code FROM owo_attach('acme', 'free', provider => 'stripe');
:told
SELECT code FROM owo_attach('acme', 'pro', provider => 'stripe');
:told
-- Commands.
SELECT cancel_at FROM owo_cancel('acme', 'pro');
:told
SELECT cancel_at FROM owo_uncancel('acme', 'pro');
:told
SELECT status FROM owo_pause('acme', 'pro');
SELECT status FROM owo_resume('acme', 'pro');
:told
-- As much at once: the provider's subscription goes on for the new row.
SELECT :answer FROM owo_attach('acme', 'same', provider => 'stripe');
:told
SELECT p.slug, s.status, s.linked FROM owo.provider_ref AS r
  JOIN owo.subscription AS s ON s.id = r.local_id JOIN owo.plan AS p ON p.id = s.plan_id;
-- At its date a scheduled change takes over what the provider changes by itself.
SELECT code, effective_at FROM owo_attach('acme', 'lite', provider => 'stripe');
:told
SELECT owo_clock_advance('1 month');
:told
SELECT p.slug, s.status, s.linked FROM owo.provider_ref AS r
  JOIN owo.subscription AS s ON s.id = r.local_id JOIN owo.plan AS p ON p.id = s.plan_id;
-- An end whose date came is told once.
SELECT cancel_at FROM owo_cancel('acme', 'lite');
SELECT owo_clock_advance('1 month');
:told

-- What a provider cannot do is refused, with what to do instead.
SELECT key FROM owo_customer('beta', email => 'b@beta.test');
SELECT code FROM owo_attach('beta', 'pro', provider => 'manual');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
CALL runs('beta', 'pro', 'paystack');
\set VERBOSITY terse
SELECT owo_pause('beta', 'pro');
SELECT code FROM owo_attach('beta', 'lite', provider => 'paystack');
SELECT owo_attach('beta', 'pro', provider => 'paystack');
SELECT owo_attach('beta', 'same', provider => 'paystack', timing => 'period_end');
\set VERBOSITY sqlstate
:told
-- There the difference is charged by us: a saved card, or a page.
SELECT code FROM owo_attach('acme', 'pro', provider => 'manual');
SELECT (owo_checkout_complete(id)).status FROM owo.checkout WHERE status = 'open';
CALL runs('acme', 'pro', 'paystack');
SELECT :answer FROM owo_attach_preview('acme', 'max', provider => 'paystack');
INSERT INTO owo.payment_method (id, customer_id, provider, kind, external_id, account_id, created_at)
SELECT gen_random_uuid(), c.id, 'paystack', 'card', 'AUTH_1', a.id, now()
  FROM owo.customer AS c JOIN owo.provider_account AS a ON a.provider = 'paystack' WHERE c.key = 'acme';
SELECT :answer FROM owo_attach('acme', 'max', provider => 'paystack');
:told
SELECT status, reason, amount, currency FROM owo.payment WHERE provider = 'paystack';
-- Another provider: its page, at the price of a whole period.
SELECT status FROM owo_cancel('acme', 'max', false);
SELECT :answer FROM owo_attach('acme', 'max', provider => 'stripe', callback_url => 'https://acme.test');
:told

-- Trials: at once without a card, on a page with one, and begun there when one is saved.
SELECT :answer FROM owo_attach('beta', 'tried', provider => 'stripe');
SELECT :answer FROM owo_attach('beta', 'carded', provider => 'stripe', callback_url => 'https://beta.test');
:told
SELECT :answer FROM owo_attach('acme', 'carded', provider => 'paystack');
:told
-- A trial by hand that a card has been saved for meanwhile begins there with its first payment.
INSERT INTO owo.payment_method (id, customer_id, provider, kind, external_id, account_id, created_at)
SELECT gen_random_uuid(), c.id, 'stripe', 'card', 'pm_1', a.id, now()
  FROM owo.customer AS c JOIN owo.provider_account AS a ON a.provider = 'stripe' WHERE c.key = 'beta';
SELECT owo_clock_advance('14 days');
SELECT p.slug, s.status FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id
  JOIN owo.customer AS c ON c.id = s.customer_id WHERE c.key = 'beta' AND p.slug IN ('tried', 'carded') ORDER BY 1;
:told

-- Who is deleted leaves everywhere, cards and all.
SELECT owo_customer_delete('beta');
SELECT provider, kind, timing, plan FROM told WHERE id NOT IN (SELECT id FROM seen) ORDER BY kind, plan;
