-- A function of Postgres' own that only says a number: what any function costs.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -f function.sql
SELECT pg_backend_pid();
