-- The least that a round trip costs.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -f select1.sql
SELECT 1;
