-- Many calls inside one query, each answer as a full row.
-- pgbench -n -M prepared -c 1 -t 3 -D rows=1000000 -f inside_check.sql
SELECT count(owo_check('hot', 'calls')) FROM generate_series(1, :rows) AS n;
