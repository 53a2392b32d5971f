-- What a provider cannot express is refused when a plan is defined.
\set VERBOSITY terse
SET ROLE postgres;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
\set VERBOSITY default
SELECT owo_sync('{"defaultProvider": "paystack", "plans": [
  {"slug": "a", "price": 1000, "currency": "NGN", "interval": "hourly"},
  {"slug": "b", "price": 1000, "currency": "NGN", "interval": "monthly", "billingCycles": [
     {"key": "two", "price": 1800, "currency": "NGN", "interval": "monthly", "intervalCount": 2},
     {"key": "three", "price": 2500, "currency": "NGN", "interval": "monthly", "intervalCount": 3},
     {"key": "theirs", "price": 1800, "currency": "NGN", "interval": "monthly", "intervalCount": 2, "externalId": "PLN_1"}]},
  {"slug": "c", "price": 1000, "currency": "USD", "interval": "hourly", "provider": "stripe"},
  {"slug": "d", "price": 0, "interval": "hourly", "provider": "stripe"},
  {"slug": "e", "price": 1000, "currency": "USD", "interval": "hourly", "provider": "manual"},
  {"slug": "f", "price": 1000, "currency": "USD", "interval": "5min", "billingType": "one_time", "provider": "stripe"}]}');
SELECT count(*) FROM owo.plan;
-- Who says nothing is billed by the organization's provider; by plain SQL too.
SELECT owo_sync('{"plans": [{"slug": "a", "price": 1000, "currency": "USD", "interval": "hourly"}]}') -> 'success' AS synced;
INSERT INTO owo.plan (slug, name, price_amount, currency, billing_interval, provider) VALUES ('g', 'G', 1, 'USD', '5min', 'polar');
UPDATE owo.plan SET provider = 'polar' WHERE slug = 'a';
UPDATE owo.plan SET provider = 'paystack', currency = 'NGN' WHERE slug = 'a';
SELECT slug, billing_interval, provider FROM owo.plan ORDER BY 1;
