-- Attach, checkouts, and what a subscription may be asked to do.

CREATE TYPE owo_attachment AS (
    success boolean,
    code text,
    type text,
    requires_checkout boolean,
    checkout_id uuid,
    checkout_url text,
    subscription_id uuid,
    status text,
    trial boolean,
    trial_ends_at timestamptz,
    effective_at timestamptz,
    amount_due bigint,
    currency text,
    invoice_id uuid,
    message text
);
COMMENT ON TYPE owo_attachment IS 'answer to an attach: what happened, or what is to be paid first';

CREATE FUNCTION owo_attach(
    customer text,
    plan text,
    customer_data jsonb DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    callback_url text DEFAULT NULL,
    provider text DEFAULT NULL,
    cycle text DEFAULT NULL,
    timing text DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS owo_attachment
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_attach_wrapper';
COMMENT ON FUNCTION owo_attach(text, text, jsonb, jsonb, text, text, text, text, text)
    IS 'give a customer a plan: new, upgrade, downgrade or lateral';

CREATE FUNCTION owo_attach_preview(
    customer text,
    plan text,
    customer_data jsonb DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    callback_url text DEFAULT NULL,
    provider text DEFAULT NULL,
    cycle text DEFAULT NULL,
    timing text DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS owo_attachment
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_attach_preview_wrapper';
COMMENT ON FUNCTION owo_attach_preview(text, text, jsonb, jsonb, text, text, text, text, text)
    IS 'what owo_attach would answer now; changes nothing';

-- The first COMMIT refuses a transaction block (2D000) before anything is attached. Each look for the
-- address is a transaction of its own, so that no snapshot is held while the provider is asked. This
-- body runs with the caller's search path: operators are named with their schema.
CREATE PROCEDURE owo_checkout(
    customer text,
    plan text,
    customer_data jsonb DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    callback_url text DEFAULT NULL,
    provider text DEFAULT NULL,
    cycle text DEFAULT NULL,
    timing text DEFAULT NULL,
    idempotency_key text DEFAULT NULL,
    wait interval DEFAULT '10 s',
    INOUT checkout_id uuid DEFAULT NULL,
    INOUT url text DEFAULT NULL,
    INOUT status text DEFAULT NULL
)
    LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    attachment record;
    checkout record;
    deadline timestamptz;
    pause double precision := 0.02;
BEGIN
    COMMIT;
    deadline := pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) coalesce(wait, '0');
    attachment := @extschema@.owo_attach(
        customer, plan, customer_data, metadata, callback_url, provider, cycle, timing,
        idempotency_key);
    COMMIT;
    checkout_id := attachment.checkout_id;
    url := attachment.checkout_url;
    status := attachment.code;
    IF checkout_id IS NULL THEN
        RETURN;
    END IF;
    LOOP
        checkout := @extschema@.owo_checkout_get(checkout_id);
        url := checkout.url;
        status := checkout.status;
        EXIT WHEN url IS NOT NULL OR status OPERATOR(pg_catalog.<>) 'open';
        status := 'pending';
        -- provider manual has no page: there is nothing to wait for
        EXIT WHEN checkout.provider OPERATOR(pg_catalog.=) 'manual'
            OR pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>=) deadline;
        COMMIT;
        PERFORM pg_catalog.pg_sleep(pause);
        COMMIT;
        pause := least(pause OPERATOR(pg_catalog.*) 1.25, 0.2);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE owo_checkout(
    text, text, jsonb, jsonb, text, text, text, text, text, interval, uuid, text, text)
    IS 'attach, commit, and wait for the checkout''s address';

CREATE FUNCTION owo_checkout_get(checkout uuid) RETURNS owo.checkout
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_checkout_get_wrapper';
COMMENT ON FUNCTION owo_checkout_get(uuid) IS 'a checkout as it is now';

CREATE FUNCTION owo_checkout_complete(checkout uuid, reference text DEFAULT NULL)
    RETURNS owo.checkout
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_checkout_complete_wrapper';
COMMENT ON FUNCTION owo_checkout_complete(uuid, text)
    IS 'say that a checkout of provider manual was paid';

CREATE FUNCTION owo_checkout_fail(checkout uuid, reason text DEFAULT NULL) RETURNS owo.checkout
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_checkout_fail_wrapper';
COMMENT ON FUNCTION owo_checkout_fail(uuid, text)
    IS 'say that a checkout of provider manual was refused';

CREATE FUNCTION owo_cancel(
    customer text,
    plan text,
    at_period_end boolean DEFAULT true,
    subscription uuid DEFAULT NULL
) RETURNS owo.subscription
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_cancel_wrapper';
COMMENT ON FUNCTION owo_cancel(text, text, boolean, uuid)
    IS 'end a subscription at its period end or at once';

CREATE FUNCTION owo_uncancel(customer text, plan text, subscription uuid DEFAULT NULL)
    RETURNS owo.subscription
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_uncancel_wrapper';
COMMENT ON FUNCTION owo_uncancel(text, text, uuid) IS 'take back a scheduled cancellation';

CREATE FUNCTION owo_pause(customer text, plan text, subscription uuid DEFAULT NULL)
    RETURNS owo.subscription
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_pause_wrapper';
COMMENT ON FUNCTION owo_pause(text, text, uuid) IS 'rest a subscription: it grants nothing';

CREATE FUNCTION owo_resume(customer text, plan text, subscription uuid DEFAULT NULL)
    RETURNS owo.subscription
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_resume_wrapper';
COMMENT ON FUNCTION owo_resume(text, text, uuid) IS 'let a paused subscription go on';
