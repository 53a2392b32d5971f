-- Units that a switch carried are given back once: where they went to, or late where they came from.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-01 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "images"}, {"slug": "words"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 2}, {"feature": "words", "creditCost": 1}]}],
  "plans": [
    {"slug": "month", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 100}, {"slug": "credits", "limit": 100}]},
    {"slug": "week", "planGroup": "main", "features": [{"slug": "calls", "limit": 100, "reset": "weekly"}, {"slug": "credits", "limit": 100, "reset": "weekly"}]},
    {"slug": "day", "planGroup": "main", "features": [{"slug": "calls", "limit": 100, "reset": "daily"}, {"slug": "credits", "limit": 100, "reset": "daily"}]}]}') -> 'success';
CREATE FUNCTION pg_temp.units(name text) RETURNS TABLE (feature text, units numeric) LANGUAGE sql AS $$
    SELECT feature, sum(quantity) FROM owo.usage WHERE customer = name GROUP BY 1 ORDER BY 1 $$;

SELECT key FROM owo_customer('now') UNION ALL SELECT key FROM owo_customer('late') UNION ALL SELECT key FROM owo_customer('part');
SELECT c, (owo_track(c, 'calls', 5)).code, (owo_track(c, 'images', 5)).code AS images, (owo_track(c, 'words', 3)).code AS words
  FROM unnest('{now,late,part}'::text[]) AS c;
SELECT owo_clock_set('2027-01-09 00:00+00');
SELECT c, (owo_attach(c, 'week', timing => 'now')).code FROM unnest('{now,late,part}'::text[]) AS c;

-- given back where they went to, they are not there any more where they came from
SELECT usage FROM owo_track('now', 'calls', -5);
SELECT usage FROM owo_track('now', 'calls', -1, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('now', 'images', -5);
SELECT usage FROM owo_track('now', 'images', -1, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('now', 'words', -4, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('now', 'words', -3, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('now', 'words', -1);
SELECT * FROM pg_temp.units('now');

-- and the other way round
SELECT usage FROM owo_track('late', 'calls', -5, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('late', 'calls', -1);
SELECT usage FROM owo_track('late', 'images', -5, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('late', 'images', -1);
SELECT * FROM pg_temp.units('late');
-- what is drawn after it can be
SELECT usage FROM owo_track('late', 'calls', 2);
SELECT usage FROM owo_track('late', 'calls', -3);
SELECT usage FROM owo_track('late', 'calls', -2);
SELECT * FROM pg_temp.units('late');

-- part here, part there, over several meters, in one batch too
SELECT usage FROM owo_track('part', 'calls', -2, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('part', 'calls', 4);
SELECT code FROM owo_attach('part', 'day', timing => 'now');
SELECT usage FROM owo_track('part', 'calls', -3);
SELECT count(*) FROM owo_track_batch('[
  {"customer": "part", "feature": "calls", "value": -2, "occurred_at": "2027-01-02T00:00:00Z"},
  {"customer": "part", "feature": "calls", "value": -2}]');
SELECT usage FROM owo_track('part', 'calls', -1);
SELECT usage FROM owo_track('part', 'calls', -1, occurred_at => '2027-01-02 00:00+00');
SELECT * FROM pg_temp.units('part');

-- holds give back on their own
SELECT owo_clock_set('2027-01-16 12:00+00');
SELECT key FROM owo_customer('holder');
SELECT usage FROM owo_track('holder', 'calls', 5);
SELECT reservation AS held FROM owo_reserve('holder', 'calls', 10, ttl => '1 day') \gset
SELECT owo_clock_set('2027-01-17 00:00+00');
SELECT code FROM owo_attach('holder', 'week', timing => 'now');
SELECT usage FROM owo_track('holder', 'calls', -6);
SELECT usage FROM owo_track('holder', 'calls', -5);
SELECT usage FROM owo_track('holder', 'calls', -1, occurred_at => '2027-01-16 13:00+00');
SELECT usage FROM owo_settle(:'held', 4);
SELECT usage FROM owo_track('holder', 'calls', -4, occurred_at => '2027-01-16 13:00+00');
SELECT usage FROM owo_track('holder', 'calls', -1);
SELECT * FROM pg_temp.units('holder');

-- folding changes none of it
SET ROLE postgres;
SELECT * FROM owo_verify();
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM owo.usage_pending) LOOP
        PERFORM owo_worker_tick();
    END LOOP;
END
$$;
SELECT * FROM owo_verify();
SET ROLE owo_admin;
SELECT usage FROM owo_track('now', 'calls', -1, occurred_at => '2027-01-02 00:00+00');
SELECT usage FROM owo_track('late', 'images', -1);
