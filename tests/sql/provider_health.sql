-- What health and the views say of accounts and webhooks, and to whom; a copy that has not adopted its accounts waits.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;
SELECT slug FROM owo_organization('north');
SELECT slug FROM owo_organization('south');
CREATE ROLE south_reader;
SELECT owo_grant_role('south_reader', 'reader', 'south');
SET owostack.organization = 'south';
SELECT owo_provider_adopt('paystack');
SELECT owo_provider_adopt('manual');
SELECT owo_provider_adopt(NULL);
SELECT environment FROM owo_provider_set('paystack', '{"secret_key": "sk_test_1"}');
SELECT environment FROM owo_provider_set('paystack', '{"secret_key": "sk_live_1"}', 'live');
SET owostack.organization = 'north';
SELECT environment FROM owo_provider_set('paystack', '{"secret_key": "sk_test_2"}');
CREATE VIEW provider_lines AS
    SELECT topic, subject, message, hint FROM owo.health WHERE topic ~ '^(provider|webhooks)' ORDER BY topic, subject;
GRANT SELECT ON provider_lines TO PUBLIC;
-- Nothing waits.
SELECT * FROM provider_lines;

-- The digest of this body under the key of the account in south, as Paystack signs.
SET owostack.organization = 'south';
\set body '{"event":"charge.success","data":{"id":1,"status":"success","domain":"test","reference":"r","amount":100,"currency":"NGN"}}'
\set signature '93816d7f9423ddc08cddc7fc843e0439cd3a8cf6316f70c7e2fe5e83997f44c7208e1750de3d2bc19810e79ad8720b2038fc3161aac893f0d4176c2b1b1da3df'
SELECT status FROM owo_webhook_text('paystack', jsonb_build_object('x-paystack-signature', :'signature'), :'body');
-- As after a restore: bindings are not dumped. What came waits, and a round leaves it alone.
DELETE FROM owo.provider_binding;
SELECT count(*) FROM owo_worker_tick();
SELECT organization, provider, environment, status, webhooks, last_error, advice FROM owo.webhook_status;
\pset format unaligned
SELECT * FROM provider_lines;
SET ROLE south_reader;
SELECT topic, subject FROM provider_lines;
SELECT count(*) FROM owo._provider_status();
RESET ROLE;
SET ROLE postgres;
SELECT owo_grant_role('south_reader', 'reader', 'north');
SELECT owo_grant_role('south_reader', 'none', 'south');
SET ROLE south_reader;
SELECT count(*) FROM provider_lines;
SELECT count(*) FROM owo.webhook_status;
SELECT count(*) FROM owo._provider_status();

-- Adopted: both environments, and each is asked what it knows before it is told anything.
SET ROLE owo_app;
SELECT owo_provider_adopt('paystack');
SET ROLE owo_admin;
SELECT provider, environment FROM owo_provider_adopt('paystack');
SELECT a.environment, q.kind, q.job, q.state FROM owo.outbox AS q JOIN owo.provider_account AS a ON a.id = q.account_id
 ORDER BY a.environment;
SELECT topic FROM provider_lines;
-- So does who sets an account anew that another database used; one that is in use is only changed.
SET ROLE postgres;
DELETE FROM owo.provider_binding;
SELECT environment FROM owo_provider_set('paystack', '{"secret_key": "sk_test_3"}');
SELECT environment FROM owo_provider_set('paystack', '{"secret_key": "sk_test_4"}');
SELECT a.environment, count(*) FROM owo.outbox AS q JOIN owo.provider_account AS a ON a.id = q.account_id
 GROUP BY a.environment ORDER BY a.environment;

-- Accounts at rest, keys that are gone, webhooks that need a person.
SELECT environment FROM owo_provider_adopt('paystack');
UPDATE owo.provider_account SET resting_until = '2100-01-01', resting_reason = 'the provider refused the key' WHERE environment = 'live';
UPDATE owo.provider_secret SET key_id = '0000000000000000'
 WHERE account_id IN (SELECT id FROM owo.provider_account WHERE environment = 'live');
UPDATE owo.provider_secret SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1)
 WHERE account_id IN (SELECT id FROM owo.provider_account WHERE environment = 'test');
UPDATE owo.webhook_event SET status = 'conflict', next_at = NULL, closed_at = now(), error = 'customers a and b are meant',
       received_at = '2026-11-01';
SELECT * FROM provider_lines;
-- Nobody can be told whether a webhook is genuine then: it must come again.
SELECT owo_webhook_text('paystack', '{}', '{}');
SELECT owo_webhook_text('paystack', '{}', '{}', 'test');
-- An account that acts again after it is set or adopted.
SELECT resting_until, resting_reason FROM owo_provider_adopt('paystack');
SELECT problem FROM owo._provider_status() ORDER BY problem;
SELECT environment FROM owo_provider_set('paystack', '{"secret_key": "sk_live_5"}', 'live');
SELECT problem FROM owo._provider_status() ORDER BY problem;

-- Our ids beside theirs.
SELECT key FROM owo_customer('ada');
INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, created_at, updated_at)
SELECT a.id, v.kind, v.external_id, CASE v.kind WHEN 'customer' THEN c.id ELSE '00000000-0000-7000-8000-000000000001' END,
       CASE v.kind WHEN 'payment' THEN c.id END, now(), now()
  FROM owo.provider_account AS a
  JOIN owo.organization AS o ON o.id = a.organization_id AND o.slug = 'south'
  JOIN owo.customer AS c ON c.organization_id = o.id AND c.key = 'ada'
 CROSS JOIN (VALUES ('customer', 'CUS_1'), ('payment', '42'), ('plan', 'PLN_1')) AS v (kind, external_id)
 WHERE a.environment = 'live';
SELECT organization, provider, environment, kind, customer, external_id, key, state FROM owo.provider_link ORDER BY kind;
SET ROLE south_reader;
SELECT count(*) FROM owo.provider_link;
