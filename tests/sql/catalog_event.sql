-- Plain SQL on the catalog is told like a sync: one event for each transaction and organization, and none for what changed nothing.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
CREATE FUNCTION pg_temp.told() RETURNS TABLE (tables jsonb) LANGUAGE sql AS $$
    SELECT data -> 'tables' FROM owo.event WHERE type = 'catalog.changed' AND data ? 'tables' ORDER BY at, 1
$$;
INSERT INTO owo.feature (slug, type) VALUES ('calls', 'metered'), ('sso', 'boolean');
SELECT * FROM pg_temp.told();
-- several statements of one transaction are one event
BEGIN;
INSERT INTO owo.plan (slug, name) VALUES ('free', 'Free');
INSERT INTO owo.plan_feature (plan_id, feature_id, limit_amount) SELECT p.id, f.id, 10 FROM owo.plan AS p, owo.feature AS f WHERE p.slug = 'free' AND f.slug = 'calls';
UPDATE owo.plan SET name = 'Free of charge' WHERE slug = 'free';
COMMIT;
SELECT * FROM pg_temp.told();
-- what is rolled back is not told, nor what changes nothing
BEGIN;
SAVEPOINT s;
UPDATE owo.plan SET name = 'Gratis';
ROLLBACK TO s;
UPDATE owo.plan SET name = name;
UPDATE owo.plan SET name = 'x' WHERE slug = 'nowhere';
DELETE FROM owo.plan_feature WHERE false;
COMMIT;
SELECT count(*) FROM pg_temp.told();
DELETE FROM owo.plan_feature;
SELECT * FROM pg_temp.told();
-- a sync tells what it changed by name, once
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}], "plans": [{"slug": "free", "features": [{"slug": "seats", "limit": 2}]}]}') -> 'success';
SELECT count(*) FROM pg_temp.told();
SELECT data -> 'features' FROM owo.event WHERE type = 'catalog.changed' AND NOT data ? 'tables';
SELECT owo_sync(owo_catalog()) -> 'success';
SELECT count(*) FROM owo.event WHERE type = 'catalog.changed';
-- setting the clock back is no change of the catalog
SELECT owo_clock_set('2027-01-09 00:00+00');
SELECT count(*) FROM owo.event WHERE type = 'catalog.changed';
-- each organization hears of its own
RESET owostack.organization;
INSERT INTO owo.feature (slug, type) VALUES ('calls', 'metered');
SET ROLE postgres;
UPDATE owo.feature SET name = slug || '!';
SELECT o.slug, e.data -> 'tables' AS tables, count(*) FROM owo.event AS e JOIN owo.organization AS o ON o.id = e.organization_id WHERE e.type = 'catalog.changed' AND e.data ? 'tables' GROUP BY 1, 2 ORDER BY 1, 2;
-- nobody tells by hand
SET ROLE owo_admin;
SELECT owo._catalog_changed('00000000-0000-0000-0000-000000000000', 'plan');
