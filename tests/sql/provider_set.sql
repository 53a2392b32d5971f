-- Accounts at providers: who may make them, what is kept of the credentials, and what is refused.
\set VERBOSITY sqlstate
\set account 'provider, environment, is_default, base_url, credentials_file, resting_until'

-- Only administrators.
SELECT owo_provider_set('stripe', '{"secret_key": "sk_test_app", "webhook_secret": "whsec_app"}');
SET ROLE owo_admin;
SELECT :account FROM owo_provider_set('stripe',
    '{"secret_key": "sk_test_shown_1", "webhook_secret": "whsec_shown_1"}');
SELECT :account FROM owo_provider_set('paystack', '{"secret_key": "sk_live_shown_2"}', 'live',
    is_default => true);
SELECT default_provider FROM owo.organization WHERE slug = 'default';

-- A second call changes the account; the default moves.
SELECT :account FROM owo_provider_set('stripe',
    '{"secret_key": "sk_test_shown_3", "webhook_secrets": ["whsec_shown_3", "whsec_shown_4"],
      "base_url": "http://127.0.0.1:4010", "publishable_key": "pk_test_shown_5"}', 'test', true);
SELECT :account FROM owo.provider_account ORDER BY provider, environment;
SELECT default_provider FROM owo.organization WHERE slug = 'default';

-- What cannot be used is refused by field, and changes nothing.
\set VERBOSITY terse
SELECT owo_provider_set('stripe', '{"secret_key": "sk_live_hidden", "webhook_secret": "whsec_a"}');
SELECT owo_provider_set('stripe', '{"secret_key": "sk_test_hidden"}');
SELECT owo_provider_set('stripe', '{"secret_key": "sk_test_hidden", "webhook_secret": ""}');
SELECT owo_provider_set('stripe', '{"secret_key": "hid den", "webhook_secret": "whsec_a"}');
SELECT owo_provider_set('stripe', '{"webhook_secret": "whsec_hidden"}');
SELECT owo_provider_set('stripe', '{"secret_key": "sk_test_a", "webhook_secret": "b", "sk_hidden": 1}');
SELECT owo_provider_set('stripe', '["sk_test_hidden"]');
SELECT owo_provider_set('stripe', 'null');
SELECT owo_provider_set('stripe',
    '{"secret_key": "sk_test_a", "webhook_secret": "b", "base_url": "http://hidden@evil.test"}');
SELECT owo_provider_set('dodo', '{"secret_key": "a", "webhook_secret": "whsec_b3dv"}', 'production');
SELECT owo_provider_set('manual', '{"secret_key": "a"}');
SELECT owo_provider_set('paypal', '{"secret_key": "a"}');
SELECT owo_provider_set(NULL, '{"secret_key": "a"}');
SELECT owo_provider_set('stripe', NULL);
SELECT owo_provider_set('stripe', '{}', NULL);
SELECT owo_provider_set('stripe', '{}', 'test', NULL);
-- A file of the server is for superusers to name.
SELECT owo_provider_set('stripe', '{"file": "/etc/hostname"}');
SET ROLE postgres;
SELECT owo_provider_set('stripe', '{"file": "relative"}');
SELECT owo_provider_set('stripe', '{"file": "/nowhere/at/all", "secret_key": "sk_test_a"}');
SELECT owo_provider_set('stripe', '{"file": "/nowhere/at/all"}');
SELECT owo_provider_set('stripe', '{"file": "/dev/null"}');
SELECT owo_provider_set('stripe', '{"file": "/"}');
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT :account FROM owo.provider_account ORDER BY provider, environment;

-- A sandbox has test accounts only.
SET ROLE postgres;
SELECT slug FROM owo_organization('sand', environment => 'sandbox');
SET owostack.organization = 'sand';
SELECT owo_provider_set('paystack', '{"secret_key": "sk_live_a"}', 'live');
SELECT :account FROM owo_provider_set('paystack', '{"secret_key": "sk_test_a"}');
RESET owostack.organization;

-- Nothing but ciphertext is kept, and no level reads it.
SELECT count(*), count(DISTINCT key_id), bool_and(length(key_id) = 16) AS has_key,
       bool_or(encode(sealed, 'escape') ~ 'sk_|whsec|pk_|secret_key|shown') AS shows
  FROM owo.provider_secret;
SELECT count(*) FROM owo.provider_binding AS b
  JOIN pg_database AS d ON d.oid = b.database_oid WHERE d.datname = current_database();
SET ROLE owo_admin;
SELECT * FROM owo.provider_secret;
SELECT * FROM owo.provider_binding;
SET ROLE owo_reader;
SELECT * FROM owo.provider_secret;
SELECT count(*) FROM owo.provider_account;
SHOW owostack.secret_key_file;
RESET ROLE;
SET owostack.secret_key_file = '/tmp/mine';

-- A plan can be sold through an account, and through none without one.
SET ROLE owo_admin;
SELECT FROM owo_sync('{"plans": [{"slug": "pro", "price": 1000, "currency": "USD"}]}');
RESET ROLE;
SELECT requires_checkout FROM owo_attach('a', 'pro', '{"email": "a@example.test"}', callback_url => 'https://shop.example.test/done', provider => 'stripe');
SELECT requires_checkout FROM owo_attach('b', 'pro', '{"email": "b@example.test"}', callback_url => 'https://shop.example.test/done', provider => 'polar');
