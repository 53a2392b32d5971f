-- Many calls inside one query.
-- pgbench -n -M prepared -c 1 -t 3 -D rows=1000000 -f inside_allowed.sql
SELECT count(owo_allowed('hot', 'calls')) FROM generate_series(1, :rows) AS n;
