-- What an organization sells: features, credit systems and packs, plan groups, plans.
-- Row-local rules are constraints here; what needs other rows is in 11_catalog_rule.sql.
-- Foreign keys carry organization_id, so that no row can refer into another organization.

CREATE TABLE owo.feature (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL DEFAULT owo._organization() REFERENCES owo.organization (id),
    slug text NOT NULL,
    type text NOT NULL DEFAULT 'metered',
    name text NOT NULL,
    unit text,
    default_value jsonb,
    free_at text NOT NULL DEFAULT 'immediate',
    source text NOT NULL DEFAULT 'sql',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT feature_slug_key UNIQUE (organization_id, slug),
    CONSTRAINT feature_organization_key UNIQUE (organization_id, id),
    CONSTRAINT feature_slug_length_check CHECK (pg_catalog.length(slug) BETWEEN 1 AND 255),
    CONSTRAINT feature_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT feature_unit_length_check CHECK (pg_catalog.length(unit) <= 255),
    CONSTRAINT feature_type_check CHECK (type IN ('metered', 'boolean', 'entity', 'static')),
    CONSTRAINT feature_free_at_check CHECK (free_at IN ('immediate', 'period_end')),
    CONSTRAINT feature_default_size_check
        CHECK (pg_catalog.octet_length(default_value::text) <= 16384),
    CONSTRAINT feature_source_check CHECK (source IN ('code', 'sql'))
);
SELECT pg_catalog.pg_extension_config_dump('owo.feature', '');
COMMENT ON TABLE owo.feature IS 'what can be allowed, counted or given a value';
COMMENT ON COLUMN owo.feature.default_value
    IS 'what a customer has without a plan: an allowance, true, a count or a value';
COMMENT ON COLUMN owo.feature.free_at IS 'when a removed entity gives its slot back';
COMMENT ON COLUMN owo.feature.source IS 'code once a sync has named the row';

CREATE TABLE owo.credit_system (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL DEFAULT owo._organization() REFERENCES owo.organization (id),
    slug text NOT NULL,
    name text NOT NULL,
    description text,
    source text NOT NULL DEFAULT 'sql',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT credit_system_slug_key UNIQUE (organization_id, slug),
    CONSTRAINT credit_system_organization_key UNIQUE (organization_id, id),
    CONSTRAINT credit_system_slug_length_check CHECK (pg_catalog.length(slug) BETWEEN 1 AND 255),
    CONSTRAINT credit_system_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT credit_system_description_length_check
        CHECK (pg_catalog.length(description) <= 1000),
    CONSTRAINT credit_system_source_check CHECK (source IN ('code', 'sql'))
);
SELECT pg_catalog.pg_extension_config_dump('owo.credit_system', '');
COMMENT ON TABLE owo.credit_system IS 'a pool of credits that several features spend from';

CREATE TABLE owo.credit_system_feature (
    credit_system_id uuid NOT NULL,
    feature_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    credit_cost numeric NOT NULL,
    PRIMARY KEY (credit_system_id, feature_id),
    CONSTRAINT credit_system_feature_credit_system_fkey
        FOREIGN KEY (organization_id, credit_system_id)
        REFERENCES owo.credit_system (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT credit_system_feature_feature_fkey FOREIGN KEY (organization_id, feature_id)
        REFERENCES owo.feature (organization_id, id),
    CONSTRAINT credit_system_feature_cost_check CHECK (
        credit_cost >= 0 AND credit_cost < 1e20 AND pg_catalog.round(credit_cost, 9) = credit_cost)
);
CREATE INDEX credit_system_feature_feature_id_idx ON owo.credit_system_feature (feature_id);
SELECT pg_catalog.pg_extension_config_dump('owo.credit_system_feature', '');
COMMENT ON TABLE owo.credit_system_feature IS 'what a unit of a feature costs in credits';

CREATE TABLE owo.credit_pack (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL DEFAULT owo._organization() REFERENCES owo.organization (id),
    slug text NOT NULL,
    name text NOT NULL,
    description text,
    credits numeric NOT NULL,
    price_amount bigint NOT NULL,
    currency text,
    credit_system_id uuid NOT NULL,
    provider text,
    expires_after text,
    metadata jsonb NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    source text NOT NULL DEFAULT 'sql',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT credit_pack_slug_key UNIQUE (organization_id, slug),
    CONSTRAINT credit_pack_credit_system_fkey FOREIGN KEY (organization_id, credit_system_id)
        REFERENCES owo.credit_system (organization_id, id),
    CONSTRAINT credit_pack_slug_length_check CHECK (pg_catalog.length(slug) BETWEEN 1 AND 255),
    CONSTRAINT credit_pack_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT credit_pack_description_length_check CHECK (pg_catalog.length(description) <= 1000),
    CONSTRAINT credit_pack_credits_check CHECK (
        credits > 0 AND credits < 1e20 AND pg_catalog.round(credits, 9) = credits),
    CONSTRAINT credit_pack_price_check CHECK (price_amount >= 0),
    CONSTRAINT credit_pack_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT credit_pack_price_has_currency_check
        CHECK (price_amount = 0 OR currency IS NOT NULL),
    CONSTRAINT credit_pack_provider_length_check CHECK (pg_catalog.length(provider) <= 255),
    CONSTRAINT credit_pack_expires_after_length_check
        CHECK (pg_catalog.length(expires_after) <= 255),
    CONSTRAINT credit_pack_metadata_object_check
        CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
    CONSTRAINT credit_pack_metadata_size_check
        CHECK (pg_catalog.octet_length(metadata::text) <= 16384),
    CONSTRAINT credit_pack_source_check CHECK (source IN ('code', 'sql'))
);
CREATE INDEX credit_pack_credit_system_id_idx ON owo.credit_pack (credit_system_id);
SELECT pg_catalog.pg_extension_config_dump('owo.credit_pack', '');
COMMENT ON TABLE owo.credit_pack IS 'credits for sale';
COMMENT ON COLUMN owo.credit_pack.price_amount IS 'price in minor units of the currency';
COMMENT ON COLUMN owo.credit_pack.expires_after IS 'life of the credits, as interval text; null: for ever';

CREATE TABLE owo.plan_group (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL DEFAULT owo._organization() REFERENCES owo.organization (id),
    slug text NOT NULL,
    name text NOT NULL,
    exclusive boolean NOT NULL DEFAULT true,
    source text NOT NULL DEFAULT 'sql',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT plan_group_slug_key UNIQUE (organization_id, slug),
    CONSTRAINT plan_group_organization_key UNIQUE (organization_id, id),
    CONSTRAINT plan_group_slug_length_check CHECK (pg_catalog.length(slug) BETWEEN 1 AND 255),
    CONSTRAINT plan_group_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT plan_group_source_check CHECK (source IN ('code', 'sql'))
);
SELECT pg_catalog.pg_extension_config_dump('owo.plan_group', '');
COMMENT ON TABLE owo.plan_group IS 'plans of which a customer has one, or several when not exclusive';

CREATE TABLE owo.plan_group_feature (
    plan_group_id uuid NOT NULL,
    feature_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    PRIMARY KEY (plan_group_id, feature_id),
    CONSTRAINT plan_group_feature_plan_group_fkey FOREIGN KEY (organization_id, plan_group_id)
        REFERENCES owo.plan_group (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT plan_group_feature_feature_fkey FOREIGN KEY (organization_id, feature_id)
        REFERENCES owo.feature (organization_id, id)
);
CREATE INDEX plan_group_feature_feature_id_idx ON owo.plan_group_feature (feature_id);
SELECT pg_catalog.pg_extension_config_dump('owo.plan_group_feature', '');
COMMENT ON TABLE owo.plan_group_feature IS 'the features that a plan group is about';

CREATE TABLE owo.plan (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    organization_id uuid NOT NULL DEFAULT owo._organization() REFERENCES owo.organization (id),
    slug text NOT NULL,
    name text NOT NULL,
    description text,
    price_amount bigint NOT NULL DEFAULT 0,
    currency text,
    billing_interval text NOT NULL DEFAULT 'monthly',
    billing_type text NOT NULL DEFAULT 'recurring',
    plan_group text,
    rank integer,
    trial_days integer NOT NULL DEFAULT 0,
    trial_card_required boolean NOT NULL DEFAULT false,
    auto_enable boolean NOT NULL DEFAULT false,
    is_addon boolean NOT NULL DEFAULT false,
    provider text,
    on_expire text,
    active boolean NOT NULL DEFAULT true,
    metadata jsonb NOT NULL DEFAULT '{}',
    source text NOT NULL DEFAULT 'sql',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT plan_slug_key UNIQUE (organization_id, slug),
    CONSTRAINT plan_organization_key UNIQUE (organization_id, id),
    CONSTRAINT plan_plan_group_fkey FOREIGN KEY (organization_id, plan_group)
        REFERENCES owo.plan_group (organization_id, slug) ON UPDATE CASCADE,
    CONSTRAINT plan_slug_length_check CHECK (pg_catalog.length(slug) BETWEEN 1 AND 255),
    CONSTRAINT plan_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT plan_description_length_check CHECK (pg_catalog.length(description) <= 1000),
    CONSTRAINT plan_price_check CHECK (price_amount >= 0),
    CONSTRAINT plan_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT plan_price_has_currency_check CHECK (price_amount = 0 OR currency IS NOT NULL),
    CONSTRAINT plan_billing_interval_check CHECK (billing_interval IN (
        '5min', '15min', '30min', 'hourly', 'daily', 'weekly', 'monthly', 'quarterly',
        'semi_annual', 'yearly', 'never')),
    CONSTRAINT plan_billing_type_check CHECK (billing_type IN ('recurring', 'one_time')),
    CONSTRAINT plan_trial_days_check CHECK (trial_days BETWEEN 0 AND 3650),
    CONSTRAINT plan_provider_length_check CHECK (pg_catalog.length(provider) <= 255),
    CONSTRAINT plan_follows_another_check CHECK (on_expire <> slug),
    CONSTRAINT plan_metadata_object_check CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
    CONSTRAINT plan_metadata_size_check CHECK (pg_catalog.octet_length(metadata::text) <= 16384),
    CONSTRAINT plan_source_check CHECK (source IN ('code', 'sql', 'provider'))
);
CREATE INDEX plan_organization_id_plan_group_idx ON owo.plan (organization_id, plan_group);
CREATE INDEX plan_organization_id_on_expire_idx ON owo.plan (organization_id, on_expire)
    WHERE on_expire IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.plan', '');
COMMENT ON TABLE owo.plan IS 'what customers subscribe to';
COMMENT ON COLUMN owo.plan.price_amount IS 'price per interval in minor units of the currency';
COMMENT ON COLUMN owo.plan.plan_group IS 'slug of the group, made exclusive when new; null: on its own';
COMMENT ON COLUMN owo.plan.rank IS 'order for upgrades and static values';
COMMENT ON COLUMN owo.plan.auto_enable IS 'attached to every new customer';
COMMENT ON COLUMN owo.plan.provider IS 'payment provider; null: the default one';
COMMENT ON COLUMN owo.plan.on_expire IS 'slug of the plan that follows an expired trial';

CREATE TABLE owo.plan_cycle (
    plan_id uuid NOT NULL,
    key text NOT NULL,
    organization_id uuid NOT NULL,
    price_amount bigint NOT NULL,
    currency text,
    billing_interval text NOT NULL,
    interval_count integer NOT NULL DEFAULT 1,
    external_id text,
    PRIMARY KEY (plan_id, key),
    CONSTRAINT plan_cycle_plan_fkey FOREIGN KEY (organization_id, plan_id)
        REFERENCES owo.plan (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT plan_cycle_key_length_check CHECK (pg_catalog.length(key) BETWEEN 1 AND 255),
    CONSTRAINT plan_cycle_price_check CHECK (price_amount >= 0),
    CONSTRAINT plan_cycle_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT plan_cycle_price_has_currency_check CHECK (price_amount = 0 OR currency IS NOT NULL),
    CONSTRAINT plan_cycle_billing_interval_check CHECK (billing_interval IN (
        '5min', '15min', '30min', 'hourly', 'daily', 'weekly', 'monthly', 'quarterly',
        'semi_annual', 'yearly', 'never')),
    CONSTRAINT plan_cycle_interval_count_check CHECK (interval_count BETWEEN 1 AND 1000),
    CONSTRAINT plan_cycle_never_is_once_check
        CHECK (billing_interval <> 'never' OR interval_count = 1),
    CONSTRAINT plan_cycle_external_id_length_check CHECK (pg_catalog.length(external_id) <= 255)
);
SELECT pg_catalog.pg_extension_config_dump('owo.plan_cycle', '');
COMMENT ON TABLE owo.plan_cycle IS 'other prices and intervals of a plan';
COMMENT ON COLUMN owo.plan_cycle.external_id IS 'id of the price at the provider';
