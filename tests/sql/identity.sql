-- One customer, many names: those of payment providers, gateways, auth subjects, companies and users.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls", "default": 10}]}') -> 'success';
RESET ROLE;
SELECT key FROM owo_customer('acme', 'ops@acme.test');
SELECT key FROM owo_customer('zeta');

SELECT provider, kind, external_id FROM owo_identity_link('acme', 'stripe', 'cus_1');
SELECT provider, kind, external_id FROM owo_identity_link('ops@acme.test', 'moesif', 'company-7', 'company');
SELECT provider, kind, external_id FROM owo_identity_link('acme', 'moesif', 'user-1', 'user');
SELECT provider, kind, external_id FROM owo_identity_link('acme', 'moesif', 'user-2', kind => 'user');
SELECT provider, kind, external_id FROM owo_identity_link('acme', 'auth0', 'auth0|507f1f77');
SELECT provider, kind, external_id FROM owo_identity_link('zeta', 'kong', 'consumer-1', 'consumer');
-- a second time changes nothing
SELECT external_id FROM owo_identity_link('acme', 'stripe', 'cus_1');
SELECT count(*) FROM owo.identity;

-- the customer by any of them
SELECT key, email FROM owo_customer_by_identity('stripe', 'cus_1');
SELECT key FROM owo_customer_by_identity('moesif', 'company-7', 'company');
SELECT key FROM owo_customer_by_identity('moesif', 'user-2', 'user');
SELECT key FROM owo_customer_by_identity('kong', 'consumer-1', kind => 'consumer');
-- kind and spelling count; nobody is NULL, not an error
SELECT owo_customer_by_identity('moesif', 'company-7') IS NULL AS nobody;
SELECT owo_customer_by_identity('stripe', 'CUS_1') IS NULL AS nobody;
SELECT owo_customer_by_identity('Stripe', 'cus_1') IS NULL AS nobody;
-- a gateway's key in one statement: nobody may do nothing
SELECT (owo_check((owo_customer_by_identity('kong', 'consumer-1', 'consumer')).key, 'calls')).code;
SELECT (owo_check((owo_customer_by_identity('kong', 'consumer-2', 'consumer')).key, 'calls')).code;
-- and nowhere else does an identity name a customer
SELECT (owo_check('cus_1', 'calls')).code;
SELECT owo_identity_link('cus_1', 'stripe', 'cus_2');

-- a name has one customer
SELECT owo_identity_link('zeta', 'stripe', 'cus_1');
SELECT owo_identity_unlink('zeta', 'stripe', 'cus_1');
SELECT owo_identity_unlink('acme', 'stripe', 'cus_1');
SELECT owo_identity_unlink('acme', 'stripe', 'cus_1');
SELECT owo_customer_by_identity('stripe', 'cus_1') IS NULL AS nobody;
SELECT external_id FROM owo_identity_link('zeta', 'stripe', 'cus_1');
SELECT key FROM owo_customer_by_identity('stripe', 'cus_1');
BEGIN;
SELECT external_id FROM owo_identity_link('zeta', 'okta', '00u1');
ROLLBACK;
SELECT owo_customer_by_identity('okta', '00u1') IS NULL AS nobody;

-- each organization has its own
SET ROLE postgres;
SELECT slug FROM owo_organization('north');
SET owostack.organization = 'north';
SELECT owo_customer_by_identity('stripe', 'cus_1') IS NULL AS nobody;
SELECT key FROM owo_customer('polaris');
SELECT external_id FROM owo_identity_link('polaris', 'stripe', 'cus_1');
SELECT key FROM owo_customer_by_identity('stripe', 'cus_1');
RESET owostack.organization;
RESET ROLE;
SELECT key FROM owo_customer_by_identity('stripe', 'cus_1');

-- bad input
SELECT owo_identity_link('nobody', 'stripe', 'cus_9');
SELECT owo_identity_link(NULL, 'stripe', 'cus_9');
SELECT owo_identity_link('acme', NULL, 'cus_9');
SELECT owo_identity_link('acme', 'stripe', NULL);
SELECT owo_identity_link('acme', 'stripe', 'cus_9', NULL);
SELECT owo_identity_link('acme', '', 'cus_9');
SELECT owo_identity_link('acme', 'stripe', '');
SELECT owo_identity_link('acme', 'stripe', repeat('x', 256));
SELECT length(external_id) FROM owo_identity_link('acme', 'stripe', repeat('x', 255));
SELECT owo_identity_link('acme', repeat('x', 256), 'cus_9');
SELECT owo_identity_link('acme', 'stripe', 'cus_9', repeat('x', 256));
SELECT owo_identity_unlink('nobody', 'stripe', 'cus_9');
SELECT owo_identity_unlink('acme', 'stripe', NULL);
SELECT owo_customer_by_identity(NULL, 'cus_1');
SELECT owo_customer_by_identity('stripe', NULL);
SELECT owo_customer_by_identity('stripe', 'cus_1', '');
-- rights
SET ROLE owo_reader;
SELECT key FROM owo_customer_by_identity('stripe', 'cus_1');
SELECT owo_identity_link('acme', 'stripe', 'cus_9');
SELECT owo_identity_unlink('acme', 'stripe', 'cus_9');
SET ROLE owo_nobody;
SELECT owo_customer_by_identity('stripe', 'cus_1');
