-- The row, held while the transaction does 5 ms of other work.
-- pgbench -n -M prepared -c 32 -j 2 -T 10 -f update_work.sql
BEGIN;
UPDATE rowm SET used = used + 1 WHERE c = 'hot' AND f = 'calls' AND used + 1 <= lim RETURNING used;
SELECT pg_sleep(0.005);
COMMIT;
