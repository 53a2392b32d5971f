-- Hold units now, say later how many were used.

CREATE TYPE owo_reservation AS (
    reservation uuid,
    expires_at timestamptz,
    decision owo_decision
);
COMMENT ON TYPE owo_reservation IS 'answer to owo_reserve: the hold, or why there is none';

CREATE FUNCTION owo_reserve(
    customer text,
    feature text,
    value numeric DEFAULT 1,
    ttl interval DEFAULT '15 min',
    entity text DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS owo_reservation
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_reserve_wrapper';
COMMENT ON FUNCTION owo_reserve(text, text, numeric, interval, text, jsonb, text)
    IS 'hold units until their amount is known; a denial is a row';

CREATE FUNCTION owo_settle(reservation uuid, value numeric) RETURNS owo_decision
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_settle_wrapper';
COMMENT ON FUNCTION owo_settle(uuid, numeric)
    IS 'count what was used of a hold, give back or draw the difference';

CREATE FUNCTION owo_release(reservation uuid) RETURNS owo_decision
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_release_wrapper';
COMMENT ON FUNCTION owo_release(uuid) IS 'give all of a hold back';
