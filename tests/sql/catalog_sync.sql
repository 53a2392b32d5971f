-- A catalog from one document: what it creates, changes and leaves, what it refuses, and how it reads back.
\set SHOW_CONTEXT never
SET ROLE owo_admin;
\set catalog `cat examples/owostack-sync.json`

-- a dry run says what would happen, and does nothing
SELECT kind, result -> kind -> 'created' AS created
FROM owo_sync(:'catalog', dry_run => true) AS result,
     unnest(ARRAY['features', 'creditSystems', 'creditPacks', 'planGroups', 'plans']) AS kind;
SELECT count(*) FROM owo.plan;
BEGIN READ ONLY;
SELECT owo_sync(:'catalog', true) -> 'success' AS success;
COMMIT;

-- the example of Owostack's SDK loads as it is, once
SELECT result -> 'success' AS success, result #> '{plans,created}' AS created, result -> 'warnings' AS warnings FROM owo_sync(:'catalog') AS result;
SELECT kind, result -> kind AS changes
FROM owo_sync(:'catalog') AS result,
     unnest(ARRAY['features', 'creditSystems', 'creditPacks', 'planGroups', 'plans']) AS kind;
-- what is printed is the same catalog
SELECT bool_and(result -> kind -> 'created' = '[]' AND result -> kind -> 'updated' = '[]') AS unchanged
FROM owo_sync(owo_catalog()) AS result,
     unnest(ARRAY['features', 'creditSystems', 'creditPacks', 'planGroups', 'plans']) AS kind;
SELECT jsonb_pretty(owo_catalog() -> 'plans' -> 1) AS pro;

-- one event for the change, none for what changed nothing
SELECT type, data -> 'plans' AS plans FROM owo.event WHERE type = 'catalog.changed';

-- for pricing pages
SELECT slug, name, plan_group, price, currency, billing_interval, rank, is_addon, trial_days, active FROM owo_plans();
SELECT slug FROM owo_plans(plan_group => 'main');
SELECT slug FROM owo_plans(billing_interval => 'year');
SELECT slug FROM owo_plans(currency => 'usd');
SELECT jsonb_pretty(features) AS features FROM owo_plan('pro');
SELECT cycles, metadata FROM owo_plan('free');

-- inside a plan the document is complete: a missing entry goes, a changed one changes, the plan keeps its id
SELECT id AS pro FROM owo.plan WHERE slug = 'pro' \gset
SELECT result #> '{plans,updated}' AS updated, result -> 'warnings' AS warnings FROM owo_sync('{"plans": [
    {"slug": "pro", "name": "Pro", "price": 3900, "currency": "usd", "interval": "month", "plan_group": "main", "rank": 2,
     "billing_cycles": [{"key": "yearly", "price": 39000, "interval": "annually"}, {"key": "three", "price": 10000, "interval": "monthly", "interval_count": 3}],
     "features": [{"slug": "api-calls", "limit": 20000, "rollover": true, "max_rollover": 5000, "rollover_expires_after": 60}, {"slug": "seats", "limit": 7}]}]}') AS result;
SELECT id = :'pro' AS same_plan, price_amount, currency, billing_interval, rank, trial_days FROM owo.plan WHERE slug = 'pro';
SELECT f.slug, x.limit_amount, x.reset_interval, x.overage, x.rollover_limit, x.rollover_expires_after
FROM owo.plan_feature x JOIN owo.feature f ON f.id = x.feature_id WHERE x.plan_id = :'pro' ORDER BY 1;
SELECT key, price_amount, currency, billing_interval, interval_count FROM owo.plan_cycle ORDER BY 1;
SELECT cycles FROM owo_plan('pro');
SELECT slug FROM owo_plans(billing_interval => 'yearly');
-- a plan that the document does not name stays as it is
SELECT slug, price_amount FROM owo.plan ORDER BY 1;
-- of features and systems too only those that are named change
SELECT result #> '{features,updated}' AS features, result #> '{creditSystems,updated}' AS systems
FROM owo_sync('{"features": [{"slug": "gpt-4", "name": "GPT-4", "unit": "call", "default": 3}],
                "creditSystems": [{"slug": "ai-credits", "name": "AI Credits", "features": [{"feature": "gpt-4", "creditCost": 2.5}]}]}') AS result;
SELECT slug, name, unit, default_value FROM owo.feature ORDER BY 1;
SELECT f.slug, c.credit_cost FROM owo.credit_system_feature c JOIN owo.feature f ON f.id = c.feature_id;

-- only what a document names belongs to code
INSERT INTO owo.feature (slug) VALUES ('by-hand');
SELECT owo_sync('{"plans": [{"slug": "new", "features": [{"slug": "by-hand"}]}]}') #> '{plans,created}' AS created;
SELECT slug, source FROM owo.feature WHERE slug LIKE 'by%' UNION ALL SELECT slug, source FROM owo.plan WHERE slug = 'new' ORDER BY 1;
SELECT owo_sync('{"features": [{"slug": "by-hand"}]}') #> '{features,unchanged}' AS unchanged;
SELECT slug, source FROM owo.feature WHERE slug = 'by-hand';
-- an inactive plan stays inactive, and says so
UPDATE owo.plan SET active = false WHERE slug = 'new';
SELECT owo_sync('{"plans": [{"slug": "new", "price": 5, "currency": "JPY"}]}') #> '{plans,updated}' AS updated;
SELECT slug, active, currency FROM owo_plans(include_inactive => true) WHERE slug = 'new';
SELECT count(*) FROM owo_plans() WHERE slug = 'new';
SELECT active FROM owo_plan('new');

-- all mistakes at once, and nothing applied
SELECT owo_sync('{"features": [{"slug": "x", "type": "gauge"}], "colour": 1, "plans": [{"slug": "y", "price": 5, "features": [{"slug": "api-calls", "limit": -1}]}]}');
SELECT owo_sync('{"plans": [{"slug": "pro", "features": [{"slug": "nothing"}]}]}');
SELECT count(*) FROM owo.feature WHERE slug = 'x';
SELECT owo_sync('{"version": 2, "features": [{"slug": "calls", "colour": "red"}]}', true) -> 'warnings' AS warnings;
-- a price of zero needs no currency; what its usage costs without one is said
SELECT owo_sync('{"plans": [{"slug": "metal", "features": [{"slug": "api-calls", "limit": 5, "overage": "charge", "overagePrice": 3}]}]}', true) -> 'warnings' AS warnings;
\set VERBOSITY sqlstate
SELECT owo_sync('[]');
SELECT owo_sync('null');
SELECT owo_sync(NULL);
SELECT owo_sync('{}', NULL);
SELECT owo_sync('{"features": [{"slug": "seats", "type": "boolean"}]}');
SELECT owo_sync('{"plans": [{"slug": "a", "planGroup": "main", "autoEnable": true}]}');
SELECT owo_sync(repeat('[', 3000)::text::jsonb) WHERE false;
SELECT owo_sync((repeat('[', 3000) || repeat(']', 3000))::jsonb);
SELECT owo_plan('nobody');
SELECT owo_plan(NULL);
SELECT owo_plans(billing_interval => 'fortnightly');
SELECT owo_plans(currency => 'XYZ');
SELECT owo_plans(include_inactive => NULL);

-- what moves between plans moves in one document, in any order
SELECT owo_sync('{"plans": [{"slug": "pro", "planGroup": "main", "autoEnable": true, "onExpire": "late"}, {"slug": "free", "planGroup": "main"}, {"slug": "late"}]}') #> '{plans,created}' AS created;
SELECT slug, auto_enable, on_expire FROM owo.plan WHERE slug IN ('free', 'pro', 'late') ORDER BY 1;
SELECT owo_sync('{"plans": [{"slug": "priced", "currency": "EUR", "features": [{"slug": "api-calls", "pricePerUnit": 1.5}]}]}') -> 'success' AS success;
SELECT owo_sync('{"plans": [{"slug": "priced", "features": [{"slug": "api-calls"}]}]}') -> 'success' AS success;
SELECT owo_sync('{"plans": [{"slug": "priced", "currency": "EUR", "features": [{"slug": "api-calls", "overagePrice": 1.5, "overage": "charge"}]}]}') -> 'success' AS success;

-- rolled back, it has not happened
BEGIN;
SELECT owo_sync('{"plans": [{"slug": "gone"}]}') -> 'success' AS success;
ROLLBACK;
SELECT count(*) FROM owo.plan WHERE slug = 'gone';

-- organizations have their own catalogs
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_catalog() AS catalog;
SELECT owo_sync('{"defaultProvider": "stripe", "features": [{"slug": "calls"}], "planGroups": [{"slug": "tools", "exclusive": false, "features": ["calls"]}],
    "plans": [{"slug": "pro", "planGroup": "tools", "features": [{"slug": "calls"}]}]}') -> 'success' AS success;
SELECT owo_catalog() AS catalog;
RESET owostack.organization;
SELECT count(*) FROM owo_plans() WHERE plan_group = 'tools';

-- who may: an app and a reader read, only an admin changes
RESET ROLE;
SELECT owo_sync('{}');
SET ROLE owo_reader;
SELECT owo_sync('{}', true);
SELECT count(*) > 3 AS plans FROM owo_plans();
SELECT owo_catalog() ? 'plans' AS catalog;
SET ROLE owo_nobody;
SELECT owo_catalog();
