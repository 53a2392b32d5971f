-- May the customer, why, and all the numbers.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -f check.sql
SELECT * FROM owo_check('hot', 'calls');
