-- Credits: grants with priority and expiry, the order in which they go, what is left, what is taken back.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-02-28 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "images"}, {"slug": "words"}, {"slug": "free"}, {"slug": "calls"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 10}, {"feature": "words", "creditCost": 0.3}, {"feature": "free", "creditCost": 0}]},
                    {"slug": "other", "features": [{"feature": "words", "creditCost": 2}]}, {"slug": "empty"}],
  "creditPacks": [{"slug": "gift", "credits": 30, "price": 0, "creditSystem": "credits"}],
  "plans": [{"slug": "base", "planGroup": "main", "features": [{"slug": "credits", "limit": 50, "rollover": true, "maxRollover": 20}]},
            {"slug": "more", "isAddon": true, "features": [{"slug": "credits", "limit": 15, "reset": "never"}]},
            {"slug": "cheap", "planGroup": "main", "rank": 9, "features": [{"slug": "credits", "limit": 50}, {"slug": "images", "creditCost": 4}]},
            {"slug": "endless", "planGroup": "main", "rank": 10, "features": [{"slug": "credits"}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');

-- a grant works without a subscription
SELECT source, amount, expires_at, priority, reason, closed_at, taken FROM owo_credit_grant('acme', 'credits', 100, reason => 'sorry for the outage');
SELECT code, allowed, balance FROM owo_check('acme', 'images', 10);
SELECT code, allowed, balance FROM owo_check('acme', 'images', 10.000000001);
SELECT code, allowed FROM owo_check('acme', 'calls');
-- a cost of zero needs credits of the system and takes none
SELECT code, balance FROM owo_track('acme', 'free', 1000);

SELECT owo_clock_set('2027-03-01 00:00+00');
-- order: priority, then what ends soonest, then the oldest; plan credits and add-on credits before all
SELECT amount FROM owo_credit_grant('acme', 'credits', 20, priority => 1);
SELECT amount FROM owo_credit_grant('acme', 'credits', 40, expires_at => '2027-05-01');
SELECT amount FROM owo_credit_grant('acme', 'credits', 60, expires_at => '2027-04-15');
SELECT credits FROM owo_addon('acme', 'gift');
SELECT code FROM owo_attach('acme', 'base');
SELECT code FROM owo_attach('acme', 'more');
SELECT * FROM owo_credits('acme');
RESET ROLE;
-- one call may span them all
SELECT code, balance, credits - 'system' AS credits, details -> 'drawn' AS drawn FROM owo_track('acme', 'images', 9);
SELECT source, granted, used, remaining FROM owo_credits('acme') WHERE used > 0;
SELECT details -> 'drawn' AS drawn FROM owo_track('acme', 'words', 105);
SELECT source, granted, used, remaining FROM owo_credits('acme') WHERE used > 0;
-- the record is in units of the feature, whatever paid for it
SELECT feature, sum(quantity) FROM owo.usage GROUP BY feature ORDER BY feature;

-- back to where it came from, the last source first
SELECT balance FROM owo_track('acme', 'images', -4);
SELECT source, granted, used FROM owo_credits('acme') WHERE used > 0;
SELECT balance FROM owo_track('acme', 'images', -5);

-- the plan's credits start over, the add-on's and the grants do not; the rest of the plan rolls over, up to 20
SELECT owo_track('acme', 'images', -30);
SET ROLE owo_admin;
SELECT owo_clock_set('2027-04-01 00:00+00');
SELECT * FROM owo_credits('acme');

-- expiry: at its date, once, with the rest in the record and told
SELECT owo_clock_set('2027-04-14 23:59:59+00');
SELECT sum(remaining) FROM owo_credits('acme');
SELECT owo_clock_set('2027-04-15 00:00+00');
SELECT sum(remaining) FROM owo_credits('acme');
SELECT amount, closed_as, taken, closed_at FROM owo.credit_grant WHERE closed_at IS NOT NULL;
SELECT at, data - 'grant' AS data FROM owo.event WHERE type = 'credits.expired';
SELECT source, applied, reason FROM owo_explain('acme', 'images') WHERE NOT applied;
SELECT owo_clock_advance('1 minute');
SELECT count(*) FROM owo.event WHERE type = 'credits.expired';
-- one that was spent to the last has nothing left to tell of
SELECT key FROM owo_customer('spent');
SELECT amount FROM owo_credit_grant('spent', 'credits', 10, expires_at => '2027-04-20');
SELECT code, balance FROM owo_track('spent', 'images', 1);
SELECT count(*) FROM owo.event WHERE type = 'credits.exhausted';
-- nothing is drawn from an expired grant, nor given back to it, also for events of before
SELECT key FROM owo_customer('late');
SELECT amount FROM owo_credit_grant('late', 'credits', 50, expires_at => '2027-04-20');
SELECT code FROM owo_track('late', 'images', 2);
SELECT owo_clock_set('2027-04-21 00:00+00');
SELECT code FROM owo_track('late', 'images', 1, occurred_at => '2027-04-19');
SELECT code FROM owo_track('late', 'images', -1, occurred_at => '2027-04-19');
SELECT code FROM owo_check('late', 'images');
SELECT amount, closed_as, taken FROM owo.credit_grant WHERE expires_at = '2027-04-20' ORDER BY amount;
SELECT count(*) FROM owo.event WHERE type = 'credits.expired';

-- taken back: what is left and no more, once
SELECT key FROM owo_customer('refund');
SELECT id AS g FROM owo_credit_grant('refund', 'credits', 100, expires_at => '2027-06-01') \gset
SELECT code FROM owo_track('refund', 'images', 3);
-- a private function: refunds call it, and no role but the owner
SELECT owo._credit_void('refund', :'g');
SET ROLE postgres;
BEGIN;
SELECT owo._credit_void('refund', :'g');
SELECT balance FROM owo_check('refund', 'images');
ROLLBACK;
SELECT balance FROM owo_check('refund', 'images');
SELECT owo._credit_void('refund', :'g', 'money back');
SELECT owo._credit_void('refund', :'g');
SELECT code, balance FROM owo_check('refund', 'images');
SELECT code, allowed FROM owo_track('refund', 'images', -1);
SELECT amount, closed_as, taken, reason FROM owo.credit_grant WHERE id = :'g';
SELECT count(*) FROM owo_credits('refund');
SELECT source, applied, reason FROM owo_explain('refund', 'images');
SELECT feature, source, quantity FROM owo.usage WHERE customer = 'refund';
-- it does not expire after that
SELECT owo_clock_set('2027-06-02 00:00+00');
SELECT count(*) FROM owo.event WHERE type = 'credits.expired' AND customer_id = (SELECT id FROM owo.customer WHERE key = 'refund');
-- what has expired is not refunded
SELECT id AS g FROM owo_credit_grant('refund', 'credits', 8, expires_at => '2027-06-02 00:00:01') \gset
SELECT owo_clock_advance('1 second');
SELECT owo._credit_void('refund', :'g');
SELECT owo._credit_void('refund', '00000000-0000-0000-0000-000000000000');
SELECT owo._credit_void('acme', :'g');
SELECT owo._credit_void('nobody', :'g');
SELECT owo._credit_void('refund', NULL);
SELECT owo._credit_void(NULL, :'g');
SET ROLE owo_admin;

-- an open hold keeps what it holds; one whose time is over has come back before the rest is taken
SET ROLE postgres;
SELECT id AS g FROM owo_credit_grant('refund', 'credits', 50) \gset
SELECT reservation AS r, (decision).balance FROM owo_reserve('refund', 'images', 2) \gset
SELECT owo._credit_void('refund', :'g');
SELECT code, allowed FROM owo_release(:'r');
SELECT code, balance FROM owo_check('refund', 'images');
SELECT id AS g FROM owo_credit_grant('refund', 'credits', 50) \gset
SELECT (decision).code FROM owo_reserve('refund', 'images', 2, ttl => '1 minute');
UPDATE owo.organization SET clock_at = clock_at + interval '1 minute' WHERE slug = 'lab';
SELECT owo._credit_void('refund', :'g');
SET ROLE owo_admin;

-- a plan's own cost, an endless pool, two systems for one feature
SELECT key FROM owo_customer('cheap');
SELECT code FROM owo_attach('cheap', 'cheap');
SELECT credits ->> 'cost_per_unit' AS cost, balance FROM owo_check('cheap', 'images');
SELECT key FROM owo_customer('endless');
SELECT code FROM owo_attach('endless', 'endless');
SELECT balance FROM owo_addon('endless', 'gift');
SELECT system, source, granted, used, remaining FROM owo_credits('endless');
SELECT key FROM owo_customer('both');
SELECT amount FROM owo_credit_grant('both', 'other', 10);
SELECT amount FROM owo_credit_grant('both', 'credits', 10, priority => 200);
SELECT amount FROM owo_credit_grant('both', 'empty', 3);
SELECT code, balance FROM owo_check('both', 'words');
SELECT system, remaining FROM owo_credits('both');

-- one effect per key
SELECT amount FROM owo_credit_grant('both', 'credits', 5, idempotency_key => 'k');
SELECT amount FROM owo_credit_grant('both', 'credits', 5.000, idempotency_key => 'k');
SELECT owo_credit_grant('both', 'credits', 6, idempotency_key => 'k');
SELECT owo_credit_grant('both', 'credits', 5, priority => 1, idempotency_key => 'k');
SELECT system, remaining FROM owo_credits('both');

-- bad input
SELECT owo_credit_grant('both', 'nothing', 1);
SELECT owo_credit_grant('both', 'images', 1);
SELECT owo_credit_grant('nobody', 'credits', 1);
SELECT owo_credit_grant('both', 'credits', 0);
SELECT owo_credit_grant('both', 'credits', -1);
SELECT owo_credit_grant('both', 'credits', 'NaN');
SELECT owo_credit_grant('both', 'credits', 1e20);
SELECT owo_credit_grant('both', 'credits', 0.0000000001);
SELECT owo_credit_grant('both', 'credits', 1, expires_at => '2027-06-02 00:00:01');
SELECT owo_credit_grant('both', 'credits', 1, expires_at => 'infinity');
SELECT owo_credit_grant('both', 'credits', 1, priority => NULL);
SELECT owo_credit_grant('both', 'credits', 1, reason => repeat('x', 1001));
SELECT owo_credit_grant('both', 'credits', 1, idempotency_key => repeat('x', 256));
SELECT owo_credit_grant(NULL, 'credits', 1);
SELECT owo_credit_grant('both', NULL, 1);
SELECT owo_credit_grant('both', 'credits', NULL);
SELECT count(*) FROM owo_credits('nobody');
SELECT count(*) FROM owo_credits(NULL);
-- rights: an app spends credits, it does not give them
RESET ROLE;
SELECT owo_credit_grant('both', 'credits', 1);
SET ROLE owo_reader;
SELECT count(*) FROM owo_credits('both');

-- the books, before and after the fold
SET ROLE owo_admin;
SELECT * FROM owo_verify();
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT sum(remaining) FROM owo_credits('acme');
SELECT feature, sum(quantity) FROM owo.usage GROUP BY feature ORDER BY feature;
SELECT * FROM owo_verify();
-- a rest that is not in the record is found
SET ROLE postgres;
UPDATE owo.credit_grant SET taken = taken - 1 WHERE closed_as = 'voided' AND taken = 70;
SELECT split_part(subject, ' ', 1) AS subject, expected, actual FROM owo_verify();
UPDATE owo.credit_grant SET taken = taken + 1, amount = 71 WHERE taken = 69;
SELECT split_part(subject, ' ', 1) AS subject, expected, actual FROM owo_verify();
