-- The same under a policy that asks owo_allowed for each row.
-- pgbench -n -M prepared -c 1 -t 3 -f scan_policy.sql
SELECT count(title) FROM policy_row;
