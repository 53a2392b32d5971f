-- What a plan feature granted before an edit is kept, by the organization's clock.
\set SHOW_CONTEXT never
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 09:00+00');
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "free", "features": [{"slug": "calls", "limit": 10}]}]}') -> 'success' AS success;
SELECT created_at FROM owo.plan_feature;
-- before there is a customer the clock may go back, and an edit replaces nothing that anybody had
SELECT owo_clock_set('2027-01-01 09:00+00');
SELECT created_at FROM owo.plan_feature;
UPDATE owo.plan_feature SET limit_amount = 20;
SELECT count(*) FROM owo.plan_feature_history;
SELECT key FROM owo_customer('acme');
UPDATE owo.plan_feature SET limit_amount = 30;
UPDATE owo.plan_feature SET limit_amount = 40, rollover = true;
SELECT valid_until, limit_amount, reset_interval, reset_anchor, rollover, scope FROM owo.plan_feature_history ORDER BY 1;
SELECT owo_clock_advance('1 day');
-- what no period depends on leaves no trace; sync does
UPDATE owo.plan_feature SET price_per_unit = 0, reset_on_enable = true, enabled = false;
SELECT owo_sync('{"plans": [{"slug": "free", "features": [{"slug": "calls", "limit": 40, "reset": "weekly", "resetAnchor": "calendar"}]}]}') #> '{plans,updated}' AS updated;
SELECT owo_clock_advance('1 day');
SELECT owo_sync('{"plans": [{"slug": "free"}]}') #> '{plans,updated}' AS updated;
SELECT h.valid_until, h.limit_amount, h.reset_interval, h.reset_anchor, h.rollover FROM owo.plan_feature_history h ORDER BY 1;
SELECT count(DISTINCT plan_feature_id) AS features FROM owo.plan_feature_history;
