-- 10,000 events in one call.
-- pgbench -n -M prepared -c 1 -t 8 -D id=0 -f batch.sql
\set id :id + 1
SELECT count(*) FROM owo_track_batch((SELECT doc FROM batch WHERE id = :id));
