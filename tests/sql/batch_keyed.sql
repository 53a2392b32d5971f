-- Keys of a batch: each answer is stored, mostly as what differs from another of the same call, and is given again as it was.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('box', environment => 'sandbox');
SET owostack.organization = 'box';
SELECT owo_clock_set('2026-03-10 12:00+00') IS NOT NULL AS set;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "mails"}], "plans": [{"slug": "base", "name": "Base", "autoEnable": true, "features": [
    {"slug": "calls", "limit": 100}, {"slug": "mails", "limit": null}]}]}') -> 'success' AS success;
SELECT count(owo_customer(c)) FROM unnest('{one,two}'::text[]) AS c;
SELECT count(*) FROM unnest('{one,two}'::text[]) AS c, unnest('{calls,mails}'::text[]) AS f, owo_track(c, f);

CREATE TABLE asked (n serial PRIMARY KEY, event jsonb);
CREATE FUNCTION asked_all() RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(event ORDER BY n) FROM asked';
INSERT INTO asked (event)
SELECT jsonb_build_object('customer', c, 'feature', f, 'value', v, 'idempotency_key', k || f)
FROM unnest('{one,two}'::text[]) AS c, unnest('{calls,mails}'::text[]) AS f,
     (VALUES ('z', 1), ('a', 1), ('m', 2), ('é"\', 1), (repeat('ö', 250), 2)) AS k (k, v);
CREATE TABLE answered AS SELECT row_number() OVER () AS n, d.* FROM owo_track_batch(asked_all()) AS d;
SELECT n, allowed, code, usage, usage_limit, balance, details->>'plan' AS plan, details->'drawn' AS drawn, replayed FROM answered ORDER BY n;

-- whatever the plan says now, and in whichever order: the first answer again
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "mails"}], "plans": [{"slug": "base", "name": "Bare", "autoEnable": true, "features": [
    {"slug": "calls", "limit": 50}, {"slug": "mails", "limit": 60}]}]}') -> 'success' AS success;
CREATE VIEW again AS SELECT row_number() OVER () AS n, d.* FROM owo_track_batch(asked_all()) AS d;
SELECT count(*) AS same FROM again JOIN answered USING (n)
WHERE again.replayed AND to_jsonb(again) - 'replayed' = to_jsonb(answered) - 'replayed';
SELECT count(*) AS same
FROM (SELECT row_number() OVER () AS n, d.* FROM owo_track_batch((SELECT jsonb_agg(event ORDER BY n DESC) FROM asked)) AS d) AS back
JOIN (SELECT a.*, max(n) OVER () + 1 - n AS place FROM answered AS a) AS a ON a.place = back.n
WHERE back.replayed AND (to_jsonb(back) - '{replayed,n}'::text[]) = (to_jsonb(a) - '{replayed,n,place}'::text[]);
-- each by itself
SELECT count(*) AS same
FROM asked AS q JOIN answered AS a USING (n),
     owo_track(event->>'customer', event->>'feature', (event->>'value')::numeric, idempotency_key => event->>'idempotency_key') AS d
WHERE d.replayed AND to_jsonb(d) - 'replayed' = to_jsonb(a) - '{replayed,n}'::text[];

-- within a call, and for another request
SELECT allowed, usage, balance, replayed, details->>'plan' AS plan FROM owo_track_batch('[
    {"customer": "one", "feature": "calls", "idempotency_key": "p"}, {"customer": "one", "feature": "calls", "idempotency_key": "q"},
    {"customer": "one", "feature": "calls", "idempotency_key": "q"}, {"customer": "one", "feature": "calls", "idempotency_key": "p"}]');
SELECT owo_track_batch('[{"customer": "one", "feature": "calls", "value": 3, "idempotency_key": "q"}]');
SELECT owo_track_batch('[{"customer": "one", "feature": "calls", "idempotency_key": "r"}, {"customer": "one", "feature": "mails", "idempotency_key": "r"}]');
SELECT usage FROM owo_check('one', 'calls');

-- only where allowances are known without a look-up do answers share what they say
SET ROLE postgres;
SELECT (SELECT count(*) > 0 FROM owo.usage_key WHERE result ->> 'like' IS NOT NULL) = (SELECT count(*) > 0 FROM owo.meter_stats) AS as_expected;
-- an answer that lost the one it is like is still no free key
DELETE FROM owo.usage_key WHERE key = 'p';
SET ROLE owo_admin;
SELECT allowed, code, usage, balance, replayed FROM owo_track('one', 'calls', idempotency_key => 'q');
-- nor is it like what came later in its place
SELECT usage, replayed FROM owo_track_batch('[{"customer": "one", "feature": "calls", "value": 4, "idempotency_key": "p"}]');
SELECT usage, balance, replayed FROM owo_track('one', 'calls', idempotency_key => 'q');

-- when their time is over all are free, and are stored anew
SELECT owo_clock_advance('36 days') IS NOT NULL AS advanced;
SELECT count(*) FILTER (WHERE replayed) AS replayed, count(*) FILTER (WHERE allowed) AS allowed FROM again;
SELECT count(*) FILTER (WHERE replayed) AS replayed, count(*) FILTER (WHERE allowed) AS allowed FROM again;

-- a table that somebody added to takes the ordinary way, and answers alike
SET ROLE postgres;
CREATE INDEX usage_key_mine ON owo.usage_key (key);
SET ROLE owo_admin;
SELECT count(*) FILTER (WHERE replayed) AS replayed FROM again;
UPDATE asked SET event = event || jsonb_build_object('idempotency_key', (event->>'idempotency_key') || '2') WHERE length(event->>'idempotency_key') < 250;
SELECT usage, usage_limit, balance, replayed FROM again ORDER BY n;
SELECT count(*) FILTER (WHERE replayed) AS replayed FROM again;
SET ROLE postgres;
DROP INDEX owo.usage_key_mine;
ALTER TABLE owo.usage_key DROP CONSTRAINT usage_key_pkey, ADD PRIMARY KEY (key, customer_id);
SET ROLE owo_admin;
SELECT count(*) FILTER (WHERE replayed) AS replayed FROM again;

-- a key is taken once, whoever says so
SET ROLE postgres;
INSERT INTO owo.usage_key SELECT * FROM owo.usage_key LIMIT 1;
SELECT count(*) AS differences FROM owo_verify();
