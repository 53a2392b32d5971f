-- May this customer do it now? They did it: count it.

-- From here on objects are created in the extension's schema.
SET LOCAL search_path TO @extschema@, pg_temp;

CREATE TYPE owo_decision AS (
    allowed boolean,
    code text,
    usage numeric,
    usage_limit numeric,
    balance numeric,
    overage numeric,
    resets_at timestamptz,
    reset_interval text,
    credits jsonb,
    details jsonb,
    replayed boolean
);
COMMENT ON TYPE owo_decision IS 'answer to a check or track: allowed or not, why, and the numbers';

CREATE TYPE owo_entitlement AS (
    feature text,
    type text,
    decision owo_decision,
    source text,
    value jsonb,
    changes_at timestamptz
);
COMMENT ON TYPE owo_entitlement IS 'what a customer has of one feature';

CREATE TYPE owo_explanation AS (
    ordinal integer,
    source text,
    source_id uuid,
    scope text,
    period_start timestamptz,
    period_end timestamptz,
    granted numeric,
    used numeric,
    remaining numeric,
    applied boolean,
    reason text,
    changes_at timestamptz
);
COMMENT ON TYPE owo_explanation IS 'one source of an entitlement, applied or ignored, and why';

CREATE FUNCTION owo_check(
    customer text,
    feature text,
    value numeric DEFAULT 1,
    entity text DEFAULT NULL
) RETURNS owo_decision
    LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'owo_check_hot';
COMMENT ON FUNCTION owo_check(text, text, numeric, text)
    IS 'may this customer use this feature now; writes nothing';

CREATE FUNCTION owo_allowed(
    customer text,
    feature text,
    value numeric DEFAULT 1,
    entity text DEFAULT NULL
) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'owo_allowed_hot';
COMMENT ON FUNCTION owo_allowed(text, text, numeric, text)
    IS 'owo_check as a boolean, for WHERE and row security';

CREATE FUNCTION owo_require(
    customer text,
    feature text,
    value numeric DEFAULT 1,
    entity text DEFAULT NULL
) RETURNS owo_decision
    LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'owo_require_hot';
COMMENT ON FUNCTION owo_require(text, text, numeric, text)
    IS 'owo_check that raises 23514 when denied';

CREATE FUNCTION owo_limit(customer text, feature text) RETURNS numeric
    LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'owo_limit_wrapper';
COMMENT ON FUNCTION owo_limit(text, text) IS 'limit of a feature; null is unlimited, 0 is none';

CREATE FUNCTION owo_value(customer text, feature text) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'owo_value_wrapper';
COMMENT ON FUNCTION owo_value(text, text) IS 'resolved static value, else the feature''s default';

CREATE FUNCTION owo_features(customer text) RETURNS SETOF owo_entitlement
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_features_wrapper';
COMMENT ON FUNCTION owo_features(text) IS 'every feature of the catalog as this customer has it';

CREATE FUNCTION owo_explain(customer text, feature text, entity text DEFAULT NULL)
    RETURNS SETOF owo_explanation
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_explain_wrapper';
COMMENT ON FUNCTION owo_explain(text, text, text)
    IS 'sources in draw order, with what was ignored and why';

CREATE FUNCTION owo_track(
    customer text,
    feature text,
    value numeric DEFAULT 1,
    entity text DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL,
    customer_data jsonb DEFAULT NULL
) RETURNS owo_decision
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_track_hot';
COMMENT ON FUNCTION owo_track(text, text, numeric, text, jsonb, text, timestamptz, jsonb)
    IS 'count usage in the caller''s transaction; a denial is a row';

CREATE FUNCTION owo_consume(
    customer text,
    feature text,
    value numeric DEFAULT 1,
    entity text DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL,
    customer_data jsonb DEFAULT NULL
) RETURNS owo_decision
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'owo_consume_hot';
COMMENT ON FUNCTION owo_consume(text, text, numeric, text, jsonb, text, timestamptz, jsonb)
    IS 'owo_track that raises 23514 when denied';

CREATE FUNCTION owo_track_batch(events jsonb) RETURNS SETOF owo_decision
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'owo_track_batch_wrapper';
COMMENT ON FUNCTION owo_track_batch(jsonb)
    IS 'track an array of events in order; one decision each';
