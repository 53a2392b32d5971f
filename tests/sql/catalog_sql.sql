-- The catalog by plain SQL: the same effect as sync, with the same checks.
\set SHOW_CONTEXT never
SET ROLE owo_admin;

-- the first statement writes the organization's row; words take their first form
INSERT INTO owo.feature (slug, type, name, unit, default_value, free_at) VALUES ('calls', 'metered', 'Calls', 'call', '5', 'immediate');
SELECT slug FROM owo.organization;
INSERT INTO owo.feature (slug, type) VALUES ('seats', 'entity'), ('sso', 'boolean'), ('region', 'static'), ('tokens', 'metered');
INSERT INTO owo.credit_system (slug) VALUES ('credits');
INSERT INTO owo.credit_system_feature (credit_system_id, feature_id, credit_cost)
SELECT s.id, f.id, 0.25 FROM owo.credit_system s, owo.feature f WHERE f.slug = 'tokens';
INSERT INTO owo.plan (slug, name, price_amount, currency, billing_interval, plan_group, rank, is_addon, auto_enable, trial_days, active)
VALUES ('free', 'Free', 0, NULL, 'month', 'main', 1, false, true, 0, true), ('pro', 'Pro', 2900, 'usd', 'Annually', 'main', 2, false, false, 14, true);
INSERT INTO owo.plan_cycle (plan_id, key, price_amount, billing_interval) SELECT id, 'quarter', 900, 'quarter' FROM owo.plan WHERE slug = 'pro';
INSERT INTO owo.plan_feature (plan_id, feature_id, enabled, limit_amount)
SELECT p.id, f.id, true, CASE f.slug WHEN 'calls' THEN 100.50 WHEN 'seats' THEN 3 END FROM owo.plan p, owo.feature f WHERE p.slug = 'pro' AND f.slug <> 'region';
INSERT INTO owo.plan_feature (plan_id, credit_system_id, limit_amount, rollover, rollover_expires_after)
SELECT p.id, s.id, 50, true, 'P2M' FROM owo.plan p, owo.credit_system s WHERE p.slug = 'pro';
INSERT INTO owo.plan_feature (plan_id, feature_id, value) SELECT p.id, f.id, '"eu"' FROM owo.plan p, owo.feature f WHERE p.slug = 'pro' AND f.slug = 'region';
INSERT INTO owo.credit_pack (slug, credits, price_amount, currency, credit_system_id, expires_after)
SELECT 'pack', 500, 1000, 'eur', id, '90' FROM owo.credit_system;
SELECT slug, name, type, default_value, source FROM owo.feature ORDER BY 1;
SELECT slug, currency, billing_interval FROM owo.plan ORDER BY 1;
SELECT key, currency, billing_interval, interval_count FROM owo.plan_cycle;
SELECT slug, name, exclusive, source FROM owo.plan_group;
SELECT slug, currency, expires_after, active FROM owo.credit_pack;
SELECT coalesce(f.slug, s.slug) AS slug, x.limit_amount, x.reset_interval, x.rollover_expires_after, x.value
FROM owo.plan_feature x LEFT JOIN owo.feature f ON f.id = x.feature_id LEFT JOIN owo.credit_system s ON s.id = x.credit_system_id ORDER BY 1;
-- the document says the same, and applying it changes nothing
SELECT jsonb_pretty(owo_catalog()) AS catalog;
SELECT bool_and(result -> kind -> 'created' = '[]' AND result -> kind -> 'updated' = '[]') AS unchanged
FROM owo_sync(owo_catalog()) AS result, unnest(ARRAY['features', 'creditSystems', 'creditPacks', 'planGroups', 'plans']) AS kind;

-- mistakes name the column
INSERT INTO owo.plan (slug, price_amount) VALUES ('x', 5);
INSERT INTO owo.plan (slug, billing_interval, trial_days) VALUES ('x', 'fortnightly', -1);
UPDATE owo.plan_feature SET limit_amount = 5 WHERE feature_id = (SELECT id FROM owo.feature WHERE slug = 'sso');
UPDATE owo.feature SET type = 'boolean' WHERE slug = 'calls';
\set VERBOSITY sqlstate
INSERT INTO owo.feature (slug) VALUES ('');
INSERT INTO owo.feature (slug) VALUES (repeat('x', 256));
INSERT INTO owo.feature (slug) VALUES ('calls');
INSERT INTO owo.feature (slug) VALUES ('credits');
INSERT INTO owo.credit_system (slug) VALUES ('calls');
INSERT INTO owo.feature (slug, type) VALUES ('x', 'gauge');
INSERT INTO owo.feature (slug, default_value) VALUES ('x', '"many"');
INSERT INTO owo.plan (slug, currency) VALUES ('x', 'XYZ');
INSERT INTO owo.plan (slug, metadata) VALUES ('x', '[]');
INSERT INTO owo.plan (slug, metadata) VALUES ('x', jsonb_build_object('x', repeat('x', 17000)));
INSERT INTO owo.plan (slug, on_expire) VALUES ('x', 'x');
INSERT INTO owo.plan (slug, on_expire) VALUES ('x', 'nothing');
INSERT INTO owo.plan (slug, plan_group, auto_enable) VALUES ('x', 'main', true);
INSERT INTO owo.plan_cycle (plan_id, key, price_amount, billing_interval) SELECT id, 'k', -1, 'yearly' FROM owo.plan WHERE slug = 'pro';
INSERT INTO owo.plan_cycle (plan_id, key, price_amount, billing_interval, interval_count) SELECT id, 'k', 1, 'never', 2 FROM owo.plan WHERE slug = 'pro';
UPDATE owo.plan_feature SET limit_amount = -1 WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET limit_amount = 'NaN' WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET limit_amount = 0.0000000001 WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET limit_amount = 1e20 WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET reset_interval = 'sometimes' WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET rollover_expires_after = '-1 day' WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET rating_model = 'volume' WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET rating_model = 'volume', tiers = '[{"upTo": 5}, {"upTo": 4}]' WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET billing_units = 0 WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET value = '1' WHERE limit_amount = 100.5;
UPDATE owo.plan_feature SET credit_system_id = (SELECT id FROM owo.credit_system) WHERE limit_amount = 100.5;
INSERT INTO owo.plan_feature (plan_id, feature_id) SELECT p.id, f.id FROM owo.plan p, owo.feature f WHERE p.slug = 'pro' AND f.slug = 'calls';
INSERT INTO owo.plan_feature (plan_id, feature_id) SELECT gen_random_uuid(), id FROM owo.feature WHERE slug = 'calls';
INSERT INTO owo.credit_system_feature (credit_system_id, feature_id, credit_cost) SELECT s.id, f.id, 1 FROM owo.credit_system s, owo.feature f WHERE f.slug = 'sso';
INSERT INTO owo.credit_pack (slug, credits, price_amount, currency, credit_system_id) SELECT 'x', 0, 1, 'EUR', id FROM owo.credit_system;
DELETE FROM owo.feature WHERE slug = 'calls';
UPDATE owo.plan SET price_amount = NULL WHERE slug = 'pro';
-- a price of zero needs no currency, whatever usage costs
BEGIN;
INSERT INTO owo.plan_feature (plan_id, feature_id, price_per_unit) SELECT p.id, f.id, 1 FROM owo.plan p, owo.feature f WHERE p.slug = 'free' AND f.slug = 'calls';
UPDATE owo.plan SET currency = NULL, price_amount = 0 WHERE slug = 'pro';
ROLLBACK;
UPDATE owo.plan SET currency = NULL WHERE slug = 'pro';
UPDATE owo.plan_feature SET usage_model = 'usage_based', price_per_unit = 0.5 WHERE limit_amount = 100.5;
SELECT limit_amount, overage FROM owo.plan_feature WHERE usage_model = 'usage_based';
\set VERBOSITY default

-- who follows whom: not gone, not renamed while named
UPDATE owo.plan SET on_expire = 'free' WHERE slug = 'pro';
DELETE FROM owo.plan WHERE slug = 'free';
UPDATE owo.plan SET slug = 'gratis' WHERE slug = 'free';
-- a group renames itself in its plans
UPDATE owo.plan_group SET slug = 'core' WHERE slug = 'main';
SELECT slug, plan_group FROM owo.plan ORDER BY 1;
-- edits that take several statements wait with the rules until the end
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE owo.plan SET auto_enable = true WHERE slug = 'pro';
UPDATE owo.plan SET auto_enable = false WHERE slug = 'free';
UPDATE owo.plan SET slug = 'gratis' WHERE slug = 'free';
UPDATE owo.plan SET on_expire = 'gratis' WHERE slug = 'pro';
COMMIT;
SELECT slug, auto_enable, on_expire FROM owo.plan ORDER BY 1;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE owo.plan SET auto_enable = true WHERE slug = 'gratis';
COMMIT;
UPDATE owo.plan_group SET exclusive = false;
UPDATE owo.plan SET auto_enable = true;
UPDATE owo.plan_group SET exclusive = true;

-- a plan goes with all that hangs on it
UPDATE owo.plan SET auto_enable = false;
DELETE FROM owo.plan WHERE slug = 'pro';
SELECT (SELECT count(*) FROM owo.plan_feature) AS entries, (SELECT count(*) FROM owo.plan_cycle) AS cycles;

-- rows belong to the organization of the session; another one's are neither seen nor touched nor referred to
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET ROLE postgres;
CREATE ROLE owo_lab_admin;
SELECT owo_grant_role('owo_lab_admin', 'admin', 'lab');
SET ROLE owo_lab_admin;
INSERT INTO owo.feature (slug) VALUES ('foreign');
SET owostack.organization = 'lab';
INSERT INTO owo.feature (slug) VALUES ('calls');
INSERT INTO owo.plan (slug) VALUES ('own');
SELECT slug FROM owo.feature;
UPDATE owo.plan SET name = 'mine';
SELECT slug, name FROM owo.plan;
SET ROLE postgres;
SELECT id AS theirs FROM owo.feature WHERE slug = 'sso' \gset
SELECT id AS their_plan FROM owo.plan WHERE slug = 'gratis' \gset
SET ROLE owo_lab_admin;
INSERT INTO owo.plan_feature (plan_id, feature_id) SELECT id, :'theirs' FROM owo.plan;
INSERT INTO owo.plan_feature (plan_id, feature_id) VALUES (:'their_plan', :'theirs');
INSERT INTO owo.feature (slug, organization_id) SELECT 'x', id FROM owo.organization WHERE slug <> 'lab';
-- a superuser may write into any
SET ROLE postgres;
INSERT INTO owo.plan_feature (plan_id, feature_id) SELECT p.id, f.id FROM owo.plan p JOIN owo.feature f USING (organization_id) WHERE p.slug = 'own' AND f.slug = 'calls';
SELECT o.slug FROM owo.plan_feature x JOIN owo.organization o ON o.id = x.organization_id WHERE x.plan_id = (SELECT id FROM owo.plan WHERE slug = 'own');
RESET owostack.organization;

-- apps and readers only read
RESET ROLE;
SELECT count(*) > 0 AS reads FROM owo.feature;
UPDATE owo.plan SET name = 'x';
DELETE FROM owo.plan_feature_history;
SET ROLE owo_nobody;
SELECT count(*) FROM owo.feature;
