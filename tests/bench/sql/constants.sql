-- Columns like those of an answer of owo_check, of the same types, with no call: what giving them out costs.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -f constants.sql
SELECT true AS allowed, 'access_granted'::text AS code, 0::numeric AS usage, 1000000000000::numeric AS usage_limit,
       1000000000000::numeric AS balance, 0::numeric AS overage, '2026-12-20 08:42:52.637435+00'::timestamptz AS resets_at,
       'monthly'::text AS reset_interval, NULL::jsonb AS credits,
       '{"plan": "free", "trial": false, "status": "active", "message": "\"calls\" is available"}'::jsonb AS details,
       false AS replayed;
