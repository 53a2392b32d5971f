-- One busy customer: check, count, record.
-- pgbench -n -M prepared -c 64 -j 2 -T 10 -f track.sql
SELECT allowed, balance FROM owo_track('hot', 'calls');
