-- Events, subscriptions and checkouts of one moment sort by their ids in the order in which they came: a
-- sandbox's clock stands still while things happen one after the other.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2030-01-31 10:00+00');
SELECT owo_sync('{
  "features": [{"slug": "seats", "type": "entity"}],
  "plans": [
    {"slug": "free", "planGroup": "main", "autoEnable": true, "features": [{"slug": "seats", "limit": 9}]},
    {"slug": "pro", "planGroup": "main", "price": 3000, "currency": "USD", "features": [{"slug": "seats", "limit": 9}]},
    {"slug": "max", "planGroup": "main", "price": 6000, "currency": "USD", "features": [{"slug": "seats", "limit": 9}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT count(*) FROM generate_series(1, 6) AS n, owo_entity_add('acme', 'seats', 'seat ' || n);
SELECT checkout_id AS c FROM owo_attach('acme', 'pro') \gset
SELECT status FROM owo_checkout_complete(:'c');
\c -
SET ROLE owo_admin;
SET owostack.organization = 'lab';
SELECT checkout_id AS c FROM owo_attach('acme', 'max') \gset
SELECT status FROM owo_checkout_fail(:'c');
SELECT status FROM owo_cancel('acme', 'pro', at_period_end => false);
SELECT count(*) FROM generate_series(1, 6) AS n, owo_entity_remove('acme', 'seats', 'seat ' || n);

SELECT row_number() OVER (ORDER BY at, id) AS number, type, coalesce(data ->> 'plan', data ->> 'entity') AS what
  FROM owo.event WHERE type NOT LIKE 'payment%' AND type <> 'catalog.changed' ORDER BY at, id;
SELECT p.slug, s.status FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id ORDER BY s.created_at, s.id;
SELECT p.slug, c.status FROM owo.checkout AS c JOIN owo.plan AS p ON p.id = c.plan_id ORDER BY c.created_at, c.id;
