-- What a customer has without a plan: the defaults of features, of each type.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT slug FROM owo_organization('lab', environment => 'sandbox');
SET ROLE owo_admin;
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-31 06:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls", "default": 10}, {"slug": "fraction", "default": 0.5}, {"slug": "zero", "default": 0}, {"slug": "none"},
               {"slug": "docs", "type": "boolean", "default": true}, {"slug": "sso", "type": "boolean", "default": false}, {"slug": "audit", "type": "boolean"},
               {"slug": "region", "type": "static", "default": "eu"}, {"slug": "quota", "type": "static", "default": {"rows": 5}}, {"slug": "theme", "type": "static"},
               {"slug": "seats", "type": "entity", "default": 1}],
  "plans": [{"slug": "base", "features": [{"slug": "calls", "limit": 100}, {"slug": "docs", "enabled": false}, {"slug": "region"}, {"slug": "seats", "limit": 3}]},
            {"slug": "bare", "features": [{"slug": "none", "limit": 1}]}]}') -> 'success';
RESET ROLE;
SET owostack.organization = 'lab';
SELECT key FROM owo_customer('acme');
CREATE FUNCTION pg_temp.state() RETURNS TABLE (feature text, code text, usage numeric, usage_limit numeric, balance numeric, resets_at timestamptz, source text, value jsonb) LANGUAGE sql AS $$
    SELECT feature, (decision).code, (decision).usage, (decision).usage_limit, (decision).balance, (decision).resets_at, source, value FROM owo_features('acme') ORDER BY 1
$$;
SELECT * FROM pg_temp.state();
SELECT f, owo_allowed('acme', f), owo_limit('acme', f), owo_value('acme', f) FROM unnest(ARRAY['calls', 'zero', 'docs', 'sso', 'region', 'quota', 'theme', 'seats']) AS f;
-- who is not there has no defaults but values
SELECT owo_allowed('nobody', 'docs'), owo_limit('nobody', 'calls'), owo_value('nobody', 'region');

-- a month counted from the customer's creation, clamped at its end
SELECT code, usage, balance, resets_at, reset_interval FROM owo_track('acme', 'calls', 8);
SELECT code FROM owo_track('acme', 'calls', 3);
SELECT entity FROM owo_entity_add('acme', 'seats', 'ada');
SELECT owo_entity_add('acme', 'seats', 'bob');
SET ROLE owo_admin;
SELECT owo_clock_set('2027-02-28 05:59+00');
SELECT balance FROM owo_check('acme', 'calls');
SELECT owo_clock_set('2027-02-28 06:00+00');
SELECT balance, resets_at FROM owo_check('acme', 'calls');
RESET ROLE;

-- a plan that names the feature decides, on or off; one that does not leaves the default
SELECT code FROM owo_track('acme', 'calls', 4);
SELECT code FROM owo_attach('acme', 'bare');
SELECT feature, code, usage, usage_limit, source FROM pg_temp.state() WHERE feature IN ('calls', 'docs', 'none', 'seats');
SELECT code FROM owo_attach('acme', 'base');
SELECT feature, code, usage, usage_limit, source, value FROM pg_temp.state() WHERE feature IN ('calls', 'docs', 'fraction', 'region', 'seats');
SELECT source, applied, reason FROM owo_explain('acme', 'calls') ORDER BY ordinal;
-- and when it ends, the default's count goes on
SELECT code FROM owo_track('acme', 'calls', 50);
SELECT status FROM owo_cancel('acme', 'base', at_period_end => false);
SELECT feature, code, usage, usage_limit, source FROM pg_temp.state() WHERE feature IN ('calls', 'docs', 'seats');
-- edits reach everybody at once
SET ROLE owo_admin;
UPDATE owo.feature SET default_value = '20' WHERE slug = 'calls';
UPDATE owo.feature SET default_value = NULL WHERE slug = 'docs';
SELECT feature, code, usage, usage_limit FROM pg_temp.state() WHERE feature IN ('calls', 'docs');
SELECT feature, quantity FROM owo.usage ORDER BY quantity;
-- bad defaults
UPDATE owo.feature SET default_value = '-1' WHERE slug = 'calls';
UPDATE owo.feature SET default_value = '"many"' WHERE slug = 'calls';
UPDATE owo.feature SET default_value = '1' WHERE slug = 'sso';
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
