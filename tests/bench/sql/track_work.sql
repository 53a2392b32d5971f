-- The same inside a transaction that does 5 ms of other work.
-- pgbench -n -M prepared -c 32 -j 2 -T 10 -f track_work.sql
BEGIN;
SELECT allowed, balance FROM owo_track('hot', 'calls');
SELECT pg_sleep(0.005);
COMMIT;
