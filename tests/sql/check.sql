-- owo_check and its family: each kind of feature, each code, bad input.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "sso", "type": "boolean"}, {"slug": "audit", "type": "boolean"}, {"slug": "beta", "type": "boolean"},
               {"slug": "region", "type": "static", "default": "eu"}, {"slug": "theme", "type": "static"}, {"slug": "seats", "type": "entity"},
               {"slug": "storage"}, {"slug": "minutes"}, {"slug": "sms"}, {"slug": "images"}, {"slug": "words"}, {"slug": "drafts"}, {"slug": "free-calls", "default": 5}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 3}, {"feature": "words", "creditCost": 0.25}, {"feature": "drafts", "creditCost": 0}]}],
  "plans": [
    {"slug": "base", "planGroup": "main", "price": 0, "currency": "USD", "features": [
       {"slug": "calls", "limit": 10}, {"slug": "sso"}, {"slug": "audit", "enabled": false}, {"slug": "region", "value": "us"}, {"slug": "seats", "limit": 2},
       {"slug": "storage"}, {"slug": "minutes", "limit": 5, "overage": "charge", "overagePrice": 10, "maxOverageUnits": 3},
       {"slug": "sms", "usageModel": "usage_based", "pricePerUnit": 7}, {"slug": "credits", "limit": 10}]}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme', 'Ops@Acme.test');
SELECT key FROM owo_customer('bare');
SELECT code FROM owo_attach('acme', 'base');

-- each kind of feature
SELECT f, d.allowed, d.code, d.usage, d.usage_limit, d.balance, d.overage, d.resets_at IS NOT NULL AS resets, d.reset_interval, d.replayed
FROM unnest(ARRAY['calls', 'sso', 'audit', 'beta', 'region', 'theme', 'seats', 'storage', 'minutes', 'sms', 'images', 'words', 'drafts', 'free-calls']) AS f, owo_check('acme', f) AS d;
-- what units cost, where they cost anything
SELECT f, (owo_check('acme', f)).details -> 'pricing' AS pricing FROM unnest(ARRAY['calls', 'storage', 'minutes', 'sms', 'images']) AS f;
-- and their static and scalar faces
SELECT f, owo_allowed('acme', f), owo_limit('acme', f), owo_value('acme', f)
FROM unnest(ARRAY['calls', 'sso', 'audit', 'region', 'theme', 'seats', 'storage', 'minutes', 'sms', 'images', 'drafts', 'free-calls']) AS f;
-- a customer without a plan: defaults grant, the rest has no subscription
SELECT f, d.allowed, d.code, d.usage, d.usage_limit, d.balance, d.overage FROM unnest(ARRAY['calls', 'sso', 'region', 'free-calls', 'images']) AS f, owo_check('bare', f) AS d;
SELECT owo_value('bare', 'region'), owo_value('bare', 'theme'), owo_limit('bare', 'calls');

-- the value: at the limit, past it, nothing, a fraction
SELECT v, d.allowed, d.code, d.balance FROM unnest(ARRAY[0, 1, 10, 10.000000001, 11, 0.5]) AS v, owo_check('acme', 'calls', v) AS d;
-- overage: what is charged, and how far
SELECT v, d.allowed, d.code, d.balance FROM unnest(ARRAY[5, 6, 8, 9]) AS v, owo_check('acme', 'minutes', v) AS d;
-- credits: balances in units of the feature asked for
SELECT f, v, d.allowed, d.code, d.balance, d.credits #- '{plan,resets_at}' AS credits FROM (VALUES ('images', 3), ('images', 4), ('words', 40), ('words', 41), ('drafts', 1000000)) AS x (f, v), owo_check('acme', f, v) AS d;
-- 0 asks only whether the feature is granted
SELECT f, d.allowed, d.code FROM unnest(ARRAY['calls', 'sso', 'audit', 'beta', 'images']) AS f, owo_check('acme', f, 0) AS d;

-- who is asked about: id, key, e-mail in any case
SELECT (owo_check(id::text, 'calls')).allowed, (owo_check(upper(id::text), 'calls')).allowed FROM owo_customer('acme');
SELECT (owo_check('ops@acme.TEST', 'calls')).allowed;
SELECT (owo_check('ACME', 'calls')).code AS keys_have_a_case;
-- nobody
SELECT d.* FROM owo_check('nobody', 'calls') AS d;
SELECT (owo_check(NULL, 'calls')).code, owo_allowed(NULL, 'calls'), owo_limit(NULL, 'calls'), owo_value(NULL, 'region');
SELECT count(*) FROM owo_features('nobody');

-- order of judgement: an unknown feature comes first, then customer, entity, subscription, feature
SELECT owo_check('nobody', 'unknown');
SELECT (owo_check('nobody', 'calls', 1, 'nobody')).code;
SELECT (owo_check('bare', 'calls', 1, 'nobody')).code;
SELECT (owo_check('acme', 'audit', 1, 'nobody')).code;

-- bad input
SELECT owo_check('acme', NULL);
SELECT owo_check('acme', 'calls', NULL);
SELECT owo_check('acme', 'calls', -1);
SELECT owo_check('acme', 'calls', 'NaN');
SELECT owo_check('acme', 'calls', 'Infinity');
SELECT owo_check('acme', 'calls', 1e20);
SELECT (owo_check('acme', 'calls', 99999999999999999999.999999999)).code AS largest;
SELECT owo_check('acme', 'calls', 0.0000000001);
SELECT (owo_check('acme', 'calls', 1.0000000000)).code AS trailing_zeros_are_no_digits;
SELECT owo_check('acme', '');
SELECT owo_check('', 'calls');
SELECT owo_allowed('acme', 'unknown');
SELECT owo_limit('acme', 'unknown');
SELECT owo_value('acme', 'unknown');
SELECT owo_explain('acme', 'unknown');
SELECT owo_check(repeat('x', 321), 'calls');

-- require turns a denial into an error, with facts in its detail
SELECT (owo_require('acme', 'calls', 10)).code;
\set VERBOSITY default
SELECT owo_require('acme', 'calls', 11);
SELECT owo_require('acme', 'audit');
SELECT owo_require('nobody', 'calls');
\set VERBOSITY sqlstate

-- named arguments; one value, not a set
SELECT allowed FROM owo_check(feature => 'calls', customer => 'acme', value => 2);
SELECT allowed FROM owo_check(customer => 'acme', feature => 'calls', entity => NULL);

-- all features at once, as each alone
SELECT feature, type, (decision).allowed, (decision).code, (decision).balance, source, value, changes_at IS NOT NULL AS changes FROM owo_features('acme') ORDER BY feature;
SELECT count(*) FROM owo_features('acme') AS f, owo_check('acme', f.feature) AS d
WHERE (d.allowed, d.code, d.usage, d.usage_limit, d.balance) IS DISTINCT FROM ((f.decision).allowed, (f.decision).code, (f.decision).usage, (f.decision).usage_limit, (f.decision).balance);
-- and why
SELECT ordinal, source, scope, granted, used, remaining, applied FROM owo_explain('acme', 'calls');
SELECT ordinal, source, scope, granted, used, remaining, applied FROM owo_explain('acme', 'images');
SELECT ordinal, source, applied FROM owo_explain('acme', 'audit');
SELECT count(*) FROM owo_explain('nobody', 'calls');
