-- An AI product: a free plan by the day, credits that several models spend at their own price, packs, seats, a trial.
-- From the top of the repository: psql -d <database with the extension> -f examples/ai-product/tour.sql
\set ON_ERROR_STOP on
\set catalog `cat examples/ai-product/catalog.json`
SELECT slug FROM owo_organization('ai', 'AI product', 'sandbox');
SET owostack.organization = 'ai';
SELECT owo_clock_set('2027-01-31 12:00+00');
SELECT owo_sync(:'catalog') -> 'success' AS synced;

-- 1. The pricing page
SELECT slug, price, currency, billing_interval, trial_days, is_addon, jsonb_array_length(cycles) AS cycles FROM owo_plans('assistant');

-- 2. Somebody signs up; the free plan and a welcome pack are theirs
SELECT key, email FROM owo_customer('ada', 'ada@example.com', 'Ada');
SELECT credits, balance FROM owo_addon('ada', 'welcome', idempotency_key => 'welcome');
SELECT allowed, balance, resets_at FROM owo_track('ada', 'messages', 19);

-- 3. The message and what it costs are one transaction
CREATE TEMP TABLE message (body text, asked_at timestamptz DEFAULT now());
BEGIN;
INSERT INTO message (body) VALUES ('Explain escrow.');
SELECT allowed, balance FROM owo_consume('ada', 'messages');
ROLLBACK;
BEGIN;
INSERT INTO message (body) VALUES ('Explain escrow, please.');
SELECT allowed, balance FROM owo_consume('ada', 'messages');
COMMIT;
\set ON_ERROR_STOP off
BEGIN;
INSERT INTO message (body) VALUES ('One more?');
SELECT owo_consume('ada', 'messages');
COMMIT;
\set ON_ERROR_STOP on
SELECT body FROM message;

-- 4. Models spend credits at their own price: of the welcome pack, since the free plan has none
SELECT code, balance, credits ->> 'cost_per_unit' AS cost FROM owo_track('ada', 'large-model', 3);
SELECT code, balance FROM owo_check('ada', 'images');
SELECT owo_value('ada', 'context-window') AS context_window, owo_allowed('ada', 'private-mode') AS private_mode;

-- 5. A trial of Plus, once a card is there, with less of everything; by its date it becomes the plan itself
SELECT code, requires_checkout, checkout_id, amount_due FROM owo_attach('ada', 'plus') \gset plus_
SELECT :'plus_code' AS code, :'plus_requires_checkout' AS requires_checkout, :'plus_amount_due' AS amount_due;
SELECT kind, status FROM owo_checkout_complete(:'plus_checkout_id', 'card 4242');
SELECT source, granted, used, remaining, expires_at FROM owo_credits('ada');
SELECT code, balance FROM owo_track('ada', 'images', 2);
SELECT code, balance FROM owo_track('ada', 'images', 1);
SELECT owo_value('ada', 'context-window') AS context_window, owo_allowed('ada', 'private-mode') AS private_mode;
SELECT owo_clock_advance('7 days');
SELECT plan, status, period_end FROM owo.subscription_now WHERE customer = 'ada';
SELECT balance, resets_at FROM owo_check('ada', 'large-model');

-- 6. A pack on top: credits of the plan go first, then what ends soonest
SELECT checkout_id FROM owo_addon('ada', 'boost') \gset boost_
SELECT status, amount FROM owo_checkout_complete(:'boost_checkout_id', 'wire 1');
SELECT details -> 'drawn' AS drawn FROM owo_track('ada', 'large-model', 80);
SELECT source, granted, used, remaining, expires_at FROM owo_credits('ada');

-- 7. An apology with a date, which nobody spends
SELECT amount, expires_at FROM owo_credit_grant('ada', 'ai-credits', 40, expires_at => '2027-02-20', reason => 'outage of 7 February');
SELECT balance FROM owo_check('ada', 'fast-model');

-- 8. Two months: the apology has expired, and of a month without use half is kept
SELECT owo_clock_set('2027-04-07 12:00+00');
SELECT source, granted, used, remaining, expires_at FROM owo_credits('ada');
SELECT at, data ->> 'amount' AS expired FROM owo.event WHERE type = 'credits.expired' ORDER BY at;

-- 9. A team: seats with an add-on, overage up to its cap
SELECT key FROM owo_customer('studio', 'studio@example.com');
SELECT checkout_id FROM owo_attach('studio', 'team') \gset team_
SELECT status FROM owo_checkout_complete(:'team_checkout_id');
SELECT count(*) AS seats FROM generate_series(1, 5) AS i, owo_entity_add('studio', 'seats', 'user ' || i);
SELECT allowed, code FROM owo_check('studio', 'seats');
SELECT checkout_id FROM owo_attach('studio', 'extra-seat') \gset seat_
SELECT status FROM owo_checkout_complete(:'seat_checkout_id');
SELECT count, usage_limit FROM owo_entity_add('studio', 'seats', 'user 6');
SELECT code, balance, overage FROM owo_track('studio', 'images', 44, entity => 'user 6');
SELECT code, details -> 'overage_billable' AS billable FROM owo_check('studio', 'images', 5);

-- 10. What was used, from the record, and the proof
SELECT customer, feature, source, sum(quantity) AS units FROM owo.usage WHERE organization = 'ai' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) AS differences FROM owo_verify();
