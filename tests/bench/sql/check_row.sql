-- May the customer, why, and all the numbers: the row as one value.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -f check_row.sql
SELECT owo_check('hot', 'calls');
