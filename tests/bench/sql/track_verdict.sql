-- One busy customer: check, count, record; the answer is whether it was allowed, and nothing else.
-- pgbench -n -M prepared -c 64 -j 2 -T 10 -f track_verdict.sql
SELECT (owo_track('hot', 'calls')).allowed;
