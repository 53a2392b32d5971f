-- What plans grant, and what they granted before.

CREATE TABLE owo.plan_feature (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    feature_id uuid,
    credit_system_id uuid,
    enabled boolean NOT NULL DEFAULT true,
    value jsonb,
    limit_amount numeric,
    trial_limit numeric,
    scope text NOT NULL DEFAULT 'customer',
    reset_interval text NOT NULL DEFAULT 'monthly',
    reset_anchor text NOT NULL DEFAULT 'billing',
    reset_on_enable boolean NOT NULL DEFAULT false,
    rollover boolean NOT NULL DEFAULT false,
    rollover_limit numeric,
    rollover_expires_after text,
    usage_model text NOT NULL DEFAULT 'included',
    rating_model text NOT NULL DEFAULT 'package',
    price_per_unit numeric NOT NULL DEFAULT 0,
    billing_units numeric NOT NULL DEFAULT 1,
    tiers jsonb,
    overage text NOT NULL DEFAULT 'block',
    overage_price numeric,
    overage_limit numeric,
    credit_cost numeric,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT plan_feature_subject_key
        UNIQUE NULLS NOT DISTINCT (plan_id, feature_id, credit_system_id),
    CONSTRAINT plan_feature_plan_fkey FOREIGN KEY (organization_id, plan_id)
        REFERENCES owo.plan (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT plan_feature_feature_fkey FOREIGN KEY (organization_id, feature_id)
        REFERENCES owo.feature (organization_id, id),
    CONSTRAINT plan_feature_credit_system_fkey FOREIGN KEY (organization_id, credit_system_id)
        REFERENCES owo.credit_system (organization_id, id),
    CONSTRAINT plan_feature_one_subject_check
        CHECK (pg_catalog.num_nonnulls(feature_id, credit_system_id) = 1),
    CONSTRAINT plan_feature_value_size_check CHECK (pg_catalog.octet_length(value::text) <= 16384),
    CONSTRAINT plan_feature_limit_check CHECK (
        limit_amount >= 0 AND limit_amount < 1e20
        AND pg_catalog.round(limit_amount, 9) = limit_amount),
    CONSTRAINT plan_feature_trial_limit_check CHECK (
        trial_limit >= 0 AND trial_limit < 1e20
        AND pg_catalog.round(trial_limit, 9) = trial_limit),
    CONSTRAINT plan_feature_scope_check CHECK (scope IN ('customer', 'entity')),
    CONSTRAINT plan_feature_reset_interval_check CHECK (reset_interval IN (
        '5min', '15min', '30min', 'hourly', 'daily', 'weekly', 'monthly', 'quarterly',
        'semi_annual', 'yearly', 'never', 'billing_period')),
    CONSTRAINT plan_feature_reset_anchor_check CHECK (reset_anchor IN ('billing', 'calendar')),
    CONSTRAINT plan_feature_rollover_limit_check CHECK (
        rollover_limit >= 0 AND rollover_limit < 1e20
        AND pg_catalog.round(rollover_limit, 9) = rollover_limit),
    CONSTRAINT plan_feature_rollover_expires_after_length_check
        CHECK (pg_catalog.length(rollover_expires_after) <= 255),
    CONSTRAINT plan_feature_usage_model_check
        CHECK (usage_model IN ('included', 'usage_based', 'prepaid')),
    CONSTRAINT plan_feature_rating_model_check
        CHECK (rating_model IN ('package', 'graduated', 'volume')),
    CONSTRAINT plan_feature_price_per_unit_check CHECK (
        price_per_unit >= 0 AND price_per_unit < 1e20
        AND pg_catalog.round(price_per_unit, 9) = price_per_unit),
    CONSTRAINT plan_feature_billing_units_check CHECK (
        billing_units > 0 AND billing_units < 1e20
        AND pg_catalog.round(billing_units, 9) = billing_units),
    CONSTRAINT plan_feature_tiers_list_check CHECK (pg_catalog.jsonb_typeof(tiers) = 'array'),
    CONSTRAINT plan_feature_tiers_of_rating_model_check
        CHECK ((rating_model = 'package') = (tiers IS NULL)),
    CONSTRAINT plan_feature_overage_check CHECK (overage IN ('block', 'charge')),
    CONSTRAINT plan_feature_overage_price_check CHECK (
        overage_price >= 0 AND overage_price < 1e20
        AND pg_catalog.round(overage_price, 9) = overage_price),
    CONSTRAINT plan_feature_overage_limit_check CHECK (
        overage_limit >= 0 AND overage_limit < 1e20
        AND pg_catalog.round(overage_limit, 9) = overage_limit),
    CONSTRAINT plan_feature_credit_cost_check CHECK (
        credit_cost >= 0 AND credit_cost < 1e20
        AND pg_catalog.round(credit_cost, 9) = credit_cost),
    CONSTRAINT plan_feature_usage_based_charges_check CHECK (
        usage_model <> 'usage_based' OR (limit_amount IS NULL AND overage = 'charge')),
    CONSTRAINT plan_feature_created_at_check CHECK (
        created_at > '-infinity' AND created_at < '262000-01-01 00:00:00+00'),
    CONSTRAINT plan_feature_prepaid_blocks_check
        CHECK (usage_model <> 'prepaid' OR overage = 'block')
);
CREATE INDEX plan_feature_feature_id_idx ON owo.plan_feature (feature_id);
CREATE INDEX plan_feature_credit_system_id_idx ON owo.plan_feature (credit_system_id);
SELECT pg_catalog.pg_extension_config_dump('owo.plan_feature', '');
COMMENT ON TABLE owo.plan_feature IS 'what a plan grants of a feature or credit system';
COMMENT ON COLUMN owo.plan_feature.limit_amount IS 'allowance per period; null: unlimited';
COMMENT ON COLUMN owo.plan_feature.trial_limit IS 'allowance during a trial; null: as limit_amount';
COMMENT ON COLUMN owo.plan_feature.reset_on_enable IS 'a paid upgrade starts a fresh count';
COMMENT ON COLUMN owo.plan_feature.rollover_limit IS 'most that is kept over a boundary; null: all';
COMMENT ON COLUMN owo.plan_feature.rollover_expires_after
    IS 'life of what rolled over, as interval text; null: for ever';
COMMENT ON COLUMN owo.plan_feature.price_per_unit IS 'minor units per billing unit, may be fractional';
COMMENT ON COLUMN owo.plan_feature.overage_price
    IS 'minor units per billing unit above the allowance; null: price_per_unit';
COMMENT ON COLUMN owo.plan_feature.overage_limit IS 'most units above the allowance; null: any';
COMMENT ON COLUMN owo.plan_feature.credit_cost IS 'credits per unit, in place of the credit system''s';

-- The values that were in force before an edit: running periods keep their cadence, and past ones
-- roll over by the limit they had. No foreign keys: the record outlives what it is about.
CREATE TABLE owo.plan_feature_history (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL,
    plan_feature_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    feature_id uuid,
    credit_system_id uuid,
    valid_until timestamptz NOT NULL,
    limit_amount numeric,
    reset_interval text NOT NULL,
    reset_anchor text NOT NULL,
    rollover boolean NOT NULL,
    rollover_limit numeric,
    rollover_expires_after text,
    scope text NOT NULL,
    CONSTRAINT plan_feature_history_valid_until_key UNIQUE (plan_feature_id, valid_until)
);
SELECT pg_catalog.pg_extension_config_dump('owo.plan_feature_history', '');
COMMENT ON TABLE owo.plan_feature_history IS 'values of plan features that an edit has replaced';
COMMENT ON COLUMN owo.plan_feature_history.valid_until IS 'when the edit was made';
