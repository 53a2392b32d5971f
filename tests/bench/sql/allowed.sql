-- May the customer? As a boolean.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -f allowed.sql
SELECT owo_allowed('hot', 'calls');
