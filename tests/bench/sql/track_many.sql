-- Usage spread over many customers.
-- pgbench -n -M prepared -c 64 -j 2 -T 10 -D customers=100000 -f track_many.sql
\set n random(1, :customers)
SELECT allowed, balance FROM owo_track('customer-' || :n, 'calls');
