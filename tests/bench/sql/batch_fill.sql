-- Calls of 10,000 events into 1,000 customers, made before they are measured; keys are used once.
-- psql -v calls=8 -f batch_fill.sql
CREATE TABLE batch (id int PRIMARY KEY, doc jsonb NOT NULL, keyed jsonb NOT NULL);
INSERT INTO batch
SELECT id, jsonb_agg(event), jsonb_agg(event || jsonb_build_object('idempotency_key', id || '-' || n))
  FROM generate_series(1, :calls) AS id, generate_series(1, 10000) AS n,
       jsonb_build_object('customer', 'customer-' || 1 + n % 1000, 'feature', 'calls', 'value', 1) AS event
 GROUP BY id;
GRANT SELECT ON batch TO app;
