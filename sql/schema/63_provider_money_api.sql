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
