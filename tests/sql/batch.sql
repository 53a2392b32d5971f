-- owo_track_batch: decided in order, rows in order, a denial is a row, an error takes the whole call back.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "mails"}, {"slug": "sso", "type": "boolean"}], "plans": [
    {"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}, {"slug": "mails", "limit": 3}, {"slug": "sso"}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme');
SELECT key FROM owo_customer('zeta');

SELECT allowed, code, usage, balance FROM owo_track_batch('[
    {"customer": "acme", "feature": "calls", "value": 6},
    {"customer": "acme", "feature": "calls", "value": 5},
    {"customer": "zeta", "feature": "mails"},
    {"customer": "acme", "feature": "calls", "value": -2},
    {"customer": "acme", "feature": "calls", "value": 5},
    {"customer": "nobody", "feature": "calls"},
    {"customer": "acme", "feature": "calls", "value": 0.5, "metadata": {"k": 1}},
    {"customer": "new", "feature": "mails", "customer_data": {"email": "new@new.test"}}]');
SELECT count(*) FROM owo_track_batch('[]');
-- the names of track's arguments, null where they have none
SELECT allowed, replayed FROM owo_track_batch('[{"customer": "zeta", "feature": "calls", "idempotency_key": "k", "occurred_at": null}]');

-- an error anywhere: nothing stays
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails"}, {"customer": "zeta", "feature": "unknown"}]');
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails"}, {"customer": "zeta", "feature": "sso"}]');
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails"}, {"customer": "zeta", "feature": "mails", "value": "many"}]');
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails"}, {"customer": "zeta"}]');
SELECT owo_track_batch('[{"feature": "mails"}]');
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails", "value": null}]');
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails", "colour": "blue"}]');
SELECT owo_track_batch('[null]');
SELECT owo_track_batch('["acme"]');
SELECT owo_track_batch('{}');
SELECT owo_track_batch('null');
SELECT owo_track_batch(NULL);
SELECT owo_track_batch('[{"customer": "zeta", "feature": "mails", "occurred_at": "yesterday-ish"}]');
SELECT c, f, usage FROM unnest(ARRAY['acme', 'zeta', 'new']) AS c, unnest(ARRAY['calls', 'mails']) AS f, owo_check(c, f);
-- large
SELECT count(*) FILTER (WHERE allowed) AS allowed, count(*) FILTER (WHERE NOT allowed) AS denied
FROM owo_track_batch((SELECT jsonb_agg(jsonb_build_object('customer', 'many ' || n % 50, 'feature', 'mails', 'customer_data', '{}'::jsonb, 'idempotency_key', n::text))
                      FROM generate_series(1, 1000) AS n));
SELECT sum(quantity) FROM owo.usage WHERE customer LIKE 'many %';
SET ROLE owo_admin;
SELECT * FROM owo_verify();
