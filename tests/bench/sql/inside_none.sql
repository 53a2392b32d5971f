-- Rows of one query without a call: to be taken off the two below.
-- pgbench -n -M prepared -c 1 -t 3 -D rows=1000000 -f inside_none.sql
SELECT count(n) FROM generate_series(1, :rows) AS n;
