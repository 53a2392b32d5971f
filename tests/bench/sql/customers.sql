-- Customers to choose among: customer-1, customer-2 and so on, made by two sessions.
-- pgbench -n -M prepared -c 2 -j 2 -t 50000 -D n=0 -f customers.sql
\set n :n + 1
SELECT owo_customer('customer-' || ((:n - 1) * 2 + :client_id + 1));
