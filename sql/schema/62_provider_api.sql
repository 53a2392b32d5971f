-- Accounts at payment providers, and their webhooks.

-- From here on objects are created in the extension's schema again.
SET LOCAL search_path TO @extschema@, pg_temp;

-- Credentials go in by bind parameter or file: a literal would stand in whatever logs statements.
CREATE FUNCTION owo_provider_set(
    provider text,
    credentials jsonb,
    environment text DEFAULT 'test',
    is_default boolean DEFAULT false
) RETURNS owo.provider_account
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_provider_set_wrapper';
COMMENT ON FUNCTION owo_provider_set(text, jsonb, text, boolean)
    IS 'make an account at a provider or change its credentials';

CREATE FUNCTION owo_provider_adopt(provider text) RETURNS owo.provider_account
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_provider_adopt_wrapper';
COMMENT ON FUNCTION owo_provider_adopt(text)
    IS 'let this restored or copied database use the accounts at a provider';

-- Reads what no role may: which accounts are bound, and whether their credentials open.
CREATE FUNCTION owo._provider_status() RETURNS TABLE (
    account_id uuid, is_bound boolean, problem text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_provider_status_wrapper';
COMMENT ON FUNCTION owo._provider_status() IS 'which accounts are bound, and what is wrong with them';

CREATE TYPE owo_webhook_receipt AS (
    id uuid,
    status text,
    duplicate boolean
);
COMMENT ON TYPE owo_webhook_receipt IS 'a webhook that was believed, and what becomes of it';

CREATE FUNCTION owo_webhook(provider text, headers jsonb, body bytea, account text DEFAULT NULL)
    RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_wrapper';
COMMENT ON FUNCTION owo_webhook(text, jsonb, bytea, text)
    IS 'receive a webhook: verified over its bytes, kept once, applied soon';

CREATE FUNCTION owo_webhook_text(provider text, headers jsonb, body text, account text DEFAULT NULL)
    RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_text_wrapper';
COMMENT ON FUNCTION owo_webhook_text(text, jsonb, text, text)
    IS 'receive a webhook whose body is at hand as text';

-- PostgREST hands the body to a function with one unnamed argument, and the headers in a setting.
-- The type is json, which keeps every byte of its text; jsonb would not.
CREATE FUNCTION owo_webhook_stripe(json) RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_stripe_wrapper';
COMMENT ON FUNCTION owo_webhook_stripe(json) IS 'receive a webhook of Stripe through PostgREST';

CREATE FUNCTION owo_webhook_paystack(json) RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_paystack_wrapper';
COMMENT ON FUNCTION owo_webhook_paystack(json) IS 'receive a webhook of Paystack through PostgREST';

CREATE FUNCTION owo_webhook_dodo(json) RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_dodo_wrapper';
COMMENT ON FUNCTION owo_webhook_dodo(json) IS 'receive a webhook of Dodo Payments through PostgREST';

CREATE FUNCTION owo_webhook_polar(json) RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_polar_wrapper';
COMMENT ON FUNCTION owo_webhook_polar(json) IS 'receive a webhook of Polar through PostgREST';

CREATE FUNCTION owo_webhook_replay(id uuid) RETURNS owo_webhook_receipt
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_webhook_replay_wrapper';
COMMENT ON FUNCTION owo_webhook_replay(uuid) IS 'apply a webhook once more; nothing is done twice';
