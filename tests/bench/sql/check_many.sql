-- A check of one of five features of many customers.
-- pgbench -n -M prepared -c 16 -j 2 -T 10 -D customers=100000 -f check_many.sql
\set n random(1, :customers)
\set f random(1, 5)
SELECT owo_allowed('customer-' || :n, (ARRAY['calls', 'images', 'words', 'rows', 'sso'])[:f]);
