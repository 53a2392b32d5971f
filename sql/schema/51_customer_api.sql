-- Customers and entities.

CREATE FUNCTION owo_customer(
    key text,
    email text DEFAULT NULL,
    name text DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    timezone text DEFAULT NULL
) RETURNS owo.customer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_customer_wrapper';
COMMENT ON FUNCTION owo_customer(text, text, text, jsonb, text)
    IS 'create or resolve a customer; null leaves a field, metadata merges';

CREATE TYPE owo_entity AS (
    entity text,
    feature text,
    status text,
    count bigint,
    usage_limit numeric,
    remaining numeric
);
COMMENT ON TYPE owo_entity IS 'an entity with the count and limit of its feature';

CREATE FUNCTION owo_entity_add(
    customer text,
    feature text,
    entity text,
    name text DEFAULT NULL,
    email text DEFAULT NULL,
    metadata jsonb DEFAULT NULL
) RETURNS owo_entity
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_entity_add_wrapper';
COMMENT ON FUNCTION owo_entity_add(text, text, text, text, text, jsonb)
    IS 'take a slot of an entity feature; raises 23514 when full';

CREATE FUNCTION owo_entity_remove(customer text, feature text, entity text) RETURNS owo_entity
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_entity_remove_wrapper';
COMMENT ON FUNCTION owo_entity_remove(text, text, text)
    IS 'free the slot at once, or at period end where the feature says so';

CREATE FUNCTION owo_entities(customer text, feature text DEFAULT NULL) RETURNS SETOF owo_entity
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_entities_wrapper';
COMMENT ON FUNCTION owo_entities(text, text) IS 'entities of a customer with counts and limits';
