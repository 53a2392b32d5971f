-- First questions about customers that this session has not met.
-- pgbench -n -M prepared -c 1 -t 2000 -D n=0 -f cold.sql
\set n :n + 1
SELECT owo_allowed('customer-' || :n, 'calls');
