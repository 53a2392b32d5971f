-- Every question about every customer once, shared among two sessions.
-- pgbench -n -M prepared -c 2 -j 2 -t 1 -D customers=100000 -f warm.sql
SELECT count(owo_allowed('customer-' || n, f)) FROM generate_series(1 + :client_id, :customers, 2) AS n, unnest(ARRAY['calls', 'images', 'words', 'rows', 'sso']) AS f;
