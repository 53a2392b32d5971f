-- 10,000 events in one call, each with an idempotency key that was never used.
-- pgbench -n -M prepared -c 1 -t 8 -D id=0 -f batch_keyed.sql
\set id :id + 1
SELECT count(*) FROM owo_track_batch((SELECT keyed FROM batch WHERE id = :id));
