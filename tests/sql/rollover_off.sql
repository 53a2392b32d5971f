-- Where the catalog stops rolling over, a late event still leaves what later periods drew of the rest before.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
CREATE FUNCTION pg_temp.sync(rolls boolean) RETURNS boolean LANGUAGE sql AS $$
    SELECT (owo_sync(jsonb_build_object(
        'features', '[{"slug": "calls"}]'::jsonb,
        'plans', jsonb_build_array(jsonb_build_object('slug', 'free', 'autoEnable', true,
            'features', jsonb_build_array(jsonb_build_object('slug', 'calls', 'limit', 10, 'rollover', rolls)))))) -> 'success')::boolean
$$;
SELECT pg_temp.sync(true);
SELECT key FROM owo_customer('spent');
SELECT key FROM owo_customer('spared');
SELECT owo_clock_set('2027-02-15 00:00+00');
SELECT code, usage, usage_limit, balance FROM owo_track('spent', 'calls', 20);
SELECT code, usage, usage_limit, balance FROM owo_track('spared', 'calls', 4);
SELECT pg_temp.sync(false);
-- what had rolled over and was not drawn is gone with it
SELECT usage, usage_limit, balance FROM owo_check('spared', 'calls', 0);
SELECT allowed, code FROM owo_track('spent', 'calls', 1, occurred_at => '2027-02-05 00:00+00');
SELECT allowed, code FROM owo_track('spared', 'calls', 7, occurred_at => '2027-02-05 00:00+00');
SELECT allowed, code FROM owo_track('spared', 'calls', 6, occurred_at => '2027-02-05 00:00+00');
-- and in the next one, where nothing rolls over any more
SELECT owo_clock_set('2027-03-10 12:00+00');
SELECT usage, usage_limit, balance FROM owo_check('spent', 'calls', 0);
SELECT allowed, code FROM owo_track('spent', 'calls', 1, occurred_at => '2027-02-05 00:00+00');
SELECT allowed, code FROM owo_track('spent', 'calls', 1, occurred_at => '2027-02-15 00:00+00');
SELECT * FROM owo_verify();
