-- A million rows of 1,000 customers, once plain and once behind a policy. psql -f policy.sql
CREATE TABLE open_row (id bigint, customer text NOT NULL, title text);
INSERT INTO open_row SELECT n, 'customer-' || 1 + n % 1000, 'row ' || n FROM generate_series(1, :rows) AS n;
CREATE TABLE policy_row (LIKE open_row);
INSERT INTO policy_row SELECT * FROM open_row;
ALTER TABLE policy_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY policy_row_allowed ON policy_row USING (owo_allowed(customer, 'calls'));
GRANT SELECT ON open_row, policy_row TO app;
VACUUM ANALYZE open_row, policy_row;
