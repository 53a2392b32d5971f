-- owo.mrr: what subscribers pay, by month; neither trials nor one-time plans nor what has ended.
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [
    {"slug": "month", "planGroup": "a", "price": 1000, "currency": "USD", "features": [{"slug": "calls"}]},
    {"slug": "year", "planGroup": "b", "price": 10000, "currency": "USD", "interval": "yearly", "features": [{"slug": "calls"}]},
    {"slug": "once", "planGroup": "c", "price": 500, "currency": "USD", "billingType": "one_time", "features": [{"slug": "calls"}]},
    {"slug": "try", "planGroup": "d", "price": 700, "currency": "USD", "trialDays": 7, "features": [{"slug": "calls"}]}]}') ->> 'success' AS synced;
SELECT c.key FROM generate_series(1, 2) AS n, owo_customer('c' || n) AS c;
SELECT s.status FROM unnest(ARRAY['c1', 'c2']) AS c, unnest(ARRAY['month', 'year', 'once']) AS p,
     owo_attach(c, p) AS a, owo_checkout_complete(a.checkout_id) AS s;
SELECT code, trial FROM owo_attach('c1', 'try');
SELECT * FROM owo.mrr ORDER BY plan;
SELECT status FROM owo_cancel('c2', 'month', at_period_end => false);
SELECT plan, subscriptions, amount FROM owo.mrr ORDER BY plan;
