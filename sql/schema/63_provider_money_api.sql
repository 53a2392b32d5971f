-- Saved means of payment, refunds, and what providers have already.

CREATE FUNCTION owo_wallet(customer text)
    RETURNS SETOF owo.payment_method
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_wallet_wrapper';
COMMENT ON FUNCTION owo_wallet(text) IS 'saved means of payment, the default first';

CREATE FUNCTION owo_wallet_setup(
    customer text,
    callback_url text DEFAULT NULL,
    provider text DEFAULT NULL
) RETURNS owo.checkout
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_wallet_setup_wrapper';
COMMENT ON FUNCTION owo_wallet_setup(text, text, text)
    IS 'a checkout where the customer saves a means of payment';

CREATE FUNCTION owo_wallet_remove(customer text, method uuid)
    RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_wallet_remove_wrapper';
COMMENT ON FUNCTION owo_wallet_remove(text, uuid)
    IS 'forget a saved means of payment; whether it was there';

CREATE FUNCTION owo_refund(
    payment uuid,
    amount bigint DEFAULT NULL,
    reason text DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS owo.payment
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_refund_wrapper';
COMMENT ON FUNCTION owo_refund(uuid, bigint, text, text)
    IS 'give money back, in part or all that is left';

CREATE FUNCTION owo_provider_import(provider text)
    RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_provider_import_wrapper';
COMMENT ON FUNCTION owo_provider_import(text)
    IS 'have the plans of a provider listed and linked; what is known so far';

CREATE FUNCTION owo_provider_verify(
    provider text,
    OUT object text,
    OUT id text,
    OUT ours jsonb,
    OUT theirs jsonb
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_provider_verify_wrapper';
COMMENT ON FUNCTION owo_provider_verify(text)
    IS 'where our rows and what a provider last said differ; has it looked at anew';
