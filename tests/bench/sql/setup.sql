-- The database that every script here runs in: a catalog, customers, and the peers' tables.
-- Run once as superuser in an empty database: psql -f setup.sql; then customers.sql.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION owostack;
CREATE ROLE app LOGIN;
SELECT owo_grant_role('app', 'app');

SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "images"}, {"slug": "words"}, {"slug": "rows"}, {"slug": "sso", "type": "boolean"}],
  "plans": [{"slug": "free", "autoEnable": true, "features": [
      {"slug": "calls", "limit": 1000000000000}, {"slug": "images", "limit": 1000000000000},
      {"slug": "words", "limit": 1000000000000}, {"slug": "rows", "limit": 1000000000000}, {"slug": "sso"}]}]}');

-- One busy customer; customers.sql makes many that are called customer-1, customer-2 and so on.
SELECT owo_customer('hot');

-- What is counted here costs one narrow row: the floor for anything that keeps a record.
CREATE TABLE bare (customer uuid, meter uuid, k int, q numeric, at timestamptz DEFAULT now(), meta jsonb);
CREATE INDEX bare_customer_meter_idx ON bare (customer, meter);
GRANT SELECT, INSERT, TRUNCATE ON bare TO app;

-- How a limit is usually kept: one row, checked and updated.
CREATE TABLE rowm (c text, f text, used numeric, lim numeric, PRIMARY KEY (c, f)) WITH (fillfactor = 50);
INSERT INTO rowm VALUES ('hot', 'calls', 0, 1000000000000);
GRANT SELECT, UPDATE ON rowm TO app;

-- A table of an application's, twice: as it was, and obeying the plan.
CREATE TABLE plain_row (id bigint PRIMARY KEY, customer text NOT NULL, title text, amount numeric, at timestamptz);
CREATE TABLE enforced_row (LIKE plain_row INCLUDING ALL);
SELECT owo_enforce_table('enforced_row', 'rows', 'customer');
GRANT SELECT, INSERT ON plain_row, enforced_row TO app;
