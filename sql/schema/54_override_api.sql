-- Identities, overrides and credits.

CREATE FUNCTION owo_identity_link(
    customer text,
    provider text,
    external_id text,
    kind text DEFAULT 'customer'
) RETURNS owo.identity
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_identity_link_wrapper';
COMMENT ON FUNCTION owo_identity_link(text, text, text, text)
    IS 'give a customer a name of another system';

CREATE FUNCTION owo_identity_unlink(
    customer text,
    provider text,
    external_id text,
    kind text DEFAULT 'customer'
) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_identity_unlink_wrapper';
COMMENT ON FUNCTION owo_identity_unlink(text, text, text, text)
    IS 'take such a name away; whether there was one';

CREATE FUNCTION owo_customer_by_identity(
    provider text,
    external_id text,
    kind text DEFAULT 'customer'
) RETURNS owo.customer
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_customer_by_identity_wrapper';
COMMENT ON FUNCTION owo_customer_by_identity(text, text, text)
    IS 'the customer with a name of another system; null if there is none';

CREATE FUNCTION owo_customer_delete(customer text, reason text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_customer_delete_wrapper';
COMMENT ON FUNCTION owo_customer_delete(text, text)
    IS 'erase personal fields and keep sums; the key never comes back to life';

CREATE FUNCTION owo_override(
    customer text,
    feature text,
    enabled boolean DEFAULT NULL,
    usage_limit numeric DEFAULT NULL,
    unlimited boolean DEFAULT false,
    value jsonb DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL,
    until_renewal boolean DEFAULT false,
    reason text DEFAULT NULL,
    subscription uuid DEFAULT NULL
) RETURNS owo.override
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_override_wrapper';
COMMENT ON FUNCTION owo_override(
    text, text, boolean, numeric, boolean, jsonb, timestamptz, boolean, text, uuid)
    IS 'replace what plans say of a feature for one customer or subscription';

CREATE FUNCTION owo_override_remove(customer text, feature text, subscription uuid DEFAULT NULL)
    RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_override_remove_wrapper';
COMMENT ON FUNCTION owo_override_remove(text, text, uuid)
    IS 'take an override away; whether there was one';

CREATE FUNCTION owo_credit_grant(
    customer text,
    credit_system text,
    amount numeric,
    expires_at timestamptz DEFAULT NULL,
    priority integer DEFAULT 100,
    reason text DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS owo.credit_grant
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_credit_grant_wrapper';
COMMENT ON FUNCTION owo_credit_grant(text, text, numeric, timestamptz, integer, text, text)
    IS 'give credits of a system, with priority and expiry';

CREATE FUNCTION owo_credits(customer text) RETURNS TABLE (
    system text,
    source text,
    granted numeric,
    used numeric,
    remaining numeric,
    expires_at timestamptz,
    priority integer
)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_credits_wrapper';
COMMENT ON FUNCTION owo_credits(text) IS 'credits of a customer in the order in which they are drawn';
