-- The catalog as a document, and plans for pricing pages.

CREATE FUNCTION owo_sync(catalog jsonb, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_sync_wrapper';
COMMENT ON FUNCTION owo_sync(jsonb, boolean)
    IS 'create and update features, credits and plans from one document';

CREATE FUNCTION owo_catalog() RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_catalog_wrapper';
COMMENT ON FUNCTION owo_catalog() IS 'the catalog as the document that owo_sync takes';

CREATE TYPE owo_plan_info AS (
    slug text,
    name text,
    description text,
    plan_group text,
    price bigint,
    currency text,
    billing_interval text,
    rank integer,
    is_addon boolean,
    trial_days integer,
    active boolean,
    metadata jsonb,
    cycles jsonb,
    features jsonb
);
COMMENT ON TYPE owo_plan_info IS 'a plan with its prices and what it grants, for pricing pages';

CREATE FUNCTION owo_plans(
    plan_group text DEFAULT NULL,
    billing_interval text DEFAULT NULL,
    currency text DEFAULT NULL,
    include_inactive boolean DEFAULT false
) RETURNS SETOF owo_plan_info
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_plans_wrapper';
COMMENT ON FUNCTION owo_plans(text, text, text, boolean)
    IS 'plans for sale; interval and currency match the plan or a cycle';

CREATE FUNCTION owo_plan(slug text) RETURNS owo_plan_info
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_plan_wrapper';
COMMENT ON FUNCTION owo_plan(text) IS 'one plan with its prices and what it grants';
