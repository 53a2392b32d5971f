-- The usual limit: one row, checked and updated; no record.
-- pgbench -n -M prepared -c 64 -j 2 -T 10 -f update.sql
UPDATE rowm SET used = used + 1 WHERE c = 'hot' AND f = 'calls' AND used + 1 <= lim RETURNING used;
