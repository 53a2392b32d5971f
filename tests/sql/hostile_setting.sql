-- Settings that any role may change do not change what our statements mean.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
\c -
SET client_min_messages = warning;
SELECT count(set_config(name, setting, false)) FROM (VALUES
    ('DateStyle', 'SQL, DMY'), ('IntervalStyle', 'iso_8601'), ('TimeZone', 'Pacific/Kiritimati'), ('standard_conforming_strings', 'off'), ('escape_string_warning', 'off'),
    ('backslash_quote', 'on'), ('transform_null_equals', 'on'), ('array_nulls', 'off'), ('quote_all_identifiers', 'on'), ('bytea_output', 'escape'),
    ('extra_float_digits', '-15'), ('xmlbinary', 'hex'), ('row_security', 'off'), ('check_function_bodies', 'off'), ('default_transaction_deferrable', 'on'),
    ('from_collapse_limit', '1'), ('join_collapse_limit', '1'), ('geqo_threshold', '2'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_indexscan', 'off'),
    ('enable_indexonlyscan', 'off'), ('enable_bitmapscan', 'off'), ('enable_hashagg', 'off'), ('enable_sort', 'off'), ('enable_material', 'off'), ('enable_memoize', 'off'),
    ('plan_cache_mode', 'force_generic_plan'), ('constraint_exclusion', 'off'), ('enable_partition_pruning', 'off'), ('work_mem', '64kB'),
    ('synchronous_commit', 'off'), ('lc_monetary', 'C'), ('default_toast_compression', 'pglz'), ('search_path', ''), ('temp_buffers', '800kB'),
    ('default_transaction_isolation', 'serializable'), ('idle_in_transaction_session_timeout', '60000'), ('gin_fuzzy_search_limit', '1'), ('exit_on_error', 'off')) AS v(name, setting);
SELECT public.owo_version() IS NOT NULL;
SET ROLE owo_admin;
SELECT slug FROM public.owo_organization('lab', 'Lab', 'sandbox', 'America/New_York');
SET owostack.organization = 'lab';
SELECT extract(epoch FROM public.owo_clock_set('2027-03-04 05:06:07+00'));
SELECT public.owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}, {"slug": "sso", "type": "boolean"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 0.5}]}],
  "plans": [{"slug": "free", "name": "It''s free", "planGroup": "main", "autoEnable": true, "trialDays": 0, "features": [{"slug": "calls", "limit": 100000.5, "reset": "daily", "resetAnchor": "calendar",
     "rollover": true, "maxRollover": 7, "rolloverExpiresAfter": "2 days"}, {"slug": "seats", "limit": 2}, {"slug": "credits", "limit": 3}]},
            {"slug": "pro", "planGroup": "main", "price": 900, "currency": "USD", "features": [{"slug": "sso"}, {"slug": "calls", "limit": null}]}]}') -> 'success';
SELECT public.owo_sync(public.owo_catalog(), true) -> 'plans' -> 'unchanged';
SET ROLE owo_app;
SELECT key, email, metadata FROM public.owo_customer(E'it''s \\\\ me', 'Me@X.test', E'N\\\\A''me', E'{"a": "\\\\\\\\ b"}');
SELECT code, usage, balance, extract(epoch FROM resets_at) FROM public.owo_track(E'it''s \\\\ me', 'calls', 12345.000000001, metadata => '{"at": "03/04/2027"}', idempotency_key => E'k\\\\',
    occurred_at => timestamptz 'epoch' + 1804136000 * interval '1 second');
SELECT replayed FROM public.owo_track(E'it''s \\\\ me', 'calls', 12345.000000001, metadata => '{"at": "03/04/2027"}', idempotency_key => E'k\\\\',
    occurred_at => timestamptz 'epoch' + 1804136000 * interval '1 second');
SET TimeZone = 'UTC';
SELECT replayed FROM public.owo_track(E'it''s \\\\ me', 'calls', 12345.000000001, idempotency_key => E'k\\\\', occurred_at => timestamptz 'epoch' + 1804136000 * interval '1 second');
SET TimeZone = 'Asia/Kathmandu';
SELECT code, balance FROM public.owo_track(E'it''s \\\\ me', 'images', 2);
SELECT entity, count FROM public.owo_entity_add(E'it''s \\\\ me', 'seats', 'x', metadata => '{"y": null}');
SELECT code, requires_checkout, amount_due, checkout_id FROM public.owo_attach(E'it''s \\\\ me', 'pro') \gset
SELECT :'code', :'amount_due';
SET ROLE owo_admin;
SELECT status FROM public.owo_checkout_complete(:'checkout_id');
SELECT public.owo_worker_tick() IS NOT NULL;
SELECT extract(epoch FROM public.owo_clock_advance('P1M3DT4H'));
SET row_security = on;
UPDATE owo.plan_feature SET limit_amount = 8 WHERE limit_amount = 100000.5;
INSERT INTO owo.plan (slug, name, billing_interval) VALUES (E'x\\\\', 'N', 'month');
SELECT slug FROM owo.plan ORDER BY 1;
SET ROLE owo_app;
SELECT feature, (decision).allowed, (decision).usage, (decision).usage_limit FROM public.owo_features(E'it''s \\\\ me') ORDER BY 1;
SELECT feature, usage, usage_limit FROM owo.balance_now ORDER BY 1;
SELECT feature, quantity, extract(epoch FROM at), metadata FROM owo.usage ORDER BY 1, 2;
SELECT topic FROM owo.health WHERE topic NOT IN ('old_snapshot', 'worker');
SET ROLE owo_admin;
SELECT * FROM public.owo_verify();
SELECT public.owo_grant_role('owo_nobody', 'reader', 'lab');
SET ROLE owo_nobody;
SELECT key FROM owo.customer;
SET ROLE owo_admin;
SELECT public.owo_grant_role('owo_nobody', 'none');
