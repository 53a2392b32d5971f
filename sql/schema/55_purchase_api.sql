-- Buying credits, and taking back what is left of them.

CREATE TYPE owo_purchase AS (
    success boolean,
    requires_checkout boolean,
    checkout_id uuid,
    checkout_url text,
    credits numeric,
    balance numeric,
    reference text
);
COMMENT ON TYPE owo_purchase IS 'what came of buying a credit pack';

CREATE FUNCTION owo_addon(
    customer text,
    pack text,
    quantity integer DEFAULT 1,
    callback_url text DEFAULT NULL,
    provider text DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS owo_purchase
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_addon_wrapper';
COMMENT ON FUNCTION owo_addon(text, text, integer, text, text, jsonb, text)
    IS 'buy a credit pack: credits at once, or a checkout first';

-- What a refund calls before money moves: the answer is what may be refunded, and nobody can spend
-- it any more.
CREATE FUNCTION owo._credit_void(customer text, credit_grant uuid, reason text DEFAULT NULL)
    RETURNS numeric
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_credit_void_wrapper';
COMMENT ON FUNCTION owo._credit_void(text, uuid, text)
    IS 'take back what is left of a credit grant; how much that was';
