-- Money: what a quantity costs.

CREATE TYPE owo_rating AS (amount bigint, breakdown jsonb);
COMMENT ON TYPE owo_rating IS 'an amount in minor units and the lines it is the sum of';

CREATE FUNCTION owo_rate(pricing jsonb, quantity numeric) RETURNS owo_rating
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_rate_wrapper';
COMMENT ON FUNCTION owo_rate(jsonb, numeric)
    IS 'price a quantity by the pricing keys of a plan feature';
