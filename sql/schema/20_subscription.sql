-- Subscriptions, what is scheduled for them, trials, checkouts and payment methods.
-- States change only through the API; dates are made rows by whoever sees them first.

-- Price and interval are pinned at attach: a changed catalog price reaches new subscribers only.
-- due_at is the first date at which time alone changes the row; it is what the worker looks for.
CREATE TABLE owo.subscription (
    id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    plan_id uuid NOT NULL REFERENCES owo.plan (id),
    status text NOT NULL,
    period_start timestamptz,
    period_end timestamptz,
    trial_ends_at timestamptz,
    cancel_at timestamptz,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    group_id uuid NOT NULL,
    follows_id uuid,
    price_amount bigint NOT NULL,
    anchor_at timestamptz NOT NULL,
    anchor_moved_at timestamptz,
    started_at timestamptz NOT NULL,
    past_due_since timestamptz,
    given_up_at timestamptz,
    paused_at timestamptz,
    ended_at timestamptz,
    due_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    count_number integer NOT NULL,
    interval_count integer NOT NULL DEFAULT 1,
    base boolean NOT NULL,
    one_time boolean NOT NULL,
    linked boolean NOT NULL DEFAULT false,
    billing_interval text NOT NULL,
    cycle_key text,
    currency text,
    provider text NOT NULL DEFAULT 'manual',
    feature_starts jsonb NOT NULL DEFAULT '{}',
    earlier_anchors jsonb NOT NULL DEFAULT '[]',
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (customer_id, id),
    CONSTRAINT subscription_status_check CHECK (status IN (
        'incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled', 'expired')),
    CONSTRAINT subscription_ended_has_a_date_check
        CHECK ((status IN ('canceled', 'expired')) = (ended_at IS NOT NULL)),
    CONSTRAINT subscription_trial_has_an_end_check
        CHECK (status <> 'trialing' OR trial_ends_at IS NOT NULL),
    CONSTRAINT subscription_past_due_has_a_date_check
        CHECK (status <> 'past_due' OR past_due_since IS NOT NULL),
    CONSTRAINT subscription_paused_has_a_date_check
        CHECK (status <> 'paused' OR paused_at IS NOT NULL),
    CONSTRAINT subscription_period_is_not_empty_check CHECK (period_start < period_end),
    CONSTRAINT subscription_price_amount_check CHECK (price_amount >= 0),
    CONSTRAINT subscription_price_has_a_currency_check
        CHECK (price_amount = 0 OR currency IS NOT NULL),
    CONSTRAINT subscription_interval_count_check CHECK (interval_count >= 1),
    CONSTRAINT subscription_count_number_check CHECK (count_number >= 0),
    CONSTRAINT subscription_feature_starts_object_check
        CHECK (pg_catalog.jsonb_typeof(feature_starts) = 'object'),
    CONSTRAINT subscription_earlier_anchors_array_check
        CHECK (pg_catalog.jsonb_typeof(earlier_anchors) = 'array'),
    CONSTRAINT subscription_metadata_object_check
        CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
);
-- The last word on "one live base plan per customer and exclusive group".
CREATE UNIQUE INDEX subscription_one_live_base_idx ON owo.subscription (customer_id, group_id)
    WHERE base AND status IN ('trialing', 'active', 'past_due', 'paused');
CREATE INDEX subscription_organization_id_due_at_idx
    ON owo.subscription (organization_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX subscription_plan_id_idx ON owo.subscription (plan_id);
SELECT pg_catalog.pg_extension_config_dump('owo.subscription', '');
COMMENT ON TABLE owo.subscription IS 'a customer''s plan with its state, period and pinned price';
COMMENT ON COLUMN owo.subscription.cancel_at IS 'when a scheduled cancellation takes effect';
COMMENT ON COLUMN owo.subscription.group_id IS 'plan group, or the plan itself when it names none';
COMMENT ON COLUMN owo.subscription.base IS 'base plan of an exclusive group';
COMMENT ON COLUMN owo.subscription.anchor_at IS 'where billing periods are counted from';
COMMENT ON COLUMN owo.subscription.anchor_moved_at
    IS 'when a provider last moved that';
COMMENT ON COLUMN owo.subscription.earlier_anchors
    IS 'where periods were counted from until a provider moved that, oldest first';
COMMENT ON COLUMN owo.subscription.follows_id
    IS 'subscription of the group whose place it took at its start';
COMMENT ON COLUMN owo.subscription.count_number IS 'distinguishes a fresh count; 0 has not begun';
COMMENT ON COLUMN owo.subscription.feature_starts
    IS 'features whose anchor or count differs from the subscription''s';
COMMENT ON COLUMN owo.subscription.linked
    IS 'its provider renews and ends it; dates here run ahead of that';
COMMENT ON COLUMN owo.subscription.given_up_at
    IS 'when its provider stopped trying to collect; ends the days of grace';
COMMENT ON COLUMN owo.subscription.due_at IS 'next date that changes this row';

-- At most one change waits for a subscription; a later one replaces it.
CREATE TABLE owo.plan_change (
    id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    subscription_id uuid NOT NULL,
    to_plan_id uuid NOT NULL REFERENCES owo.plan (id),
    effective_at timestamptz NOT NULL,
    price_amount bigint NOT NULL,
    created_at timestamptz NOT NULL,
    interval_count integer NOT NULL DEFAULT 1,
    one_time boolean NOT NULL,
    billing_interval text NOT NULL,
    cycle_key text,
    currency text,
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (customer_id, id),
    CONSTRAINT plan_change_subscription_key UNIQUE (customer_id, subscription_id),
    CONSTRAINT plan_change_subscription_fkey FOREIGN KEY (customer_id, subscription_id)
        REFERENCES owo.subscription (customer_id, id),
    CONSTRAINT plan_change_price_amount_check CHECK (price_amount >= 0),
    CONSTRAINT plan_change_interval_count_check CHECK (interval_count >= 1)
);
SELECT pg_catalog.pg_extension_config_dump('owo.plan_change', '');
COMMENT ON TABLE owo.plan_change IS 'scheduled switches with the price they pinned';

-- One trial per customer and plan group, for good.
CREATE TABLE owo.trial (
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    group_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, group_id)
);
SELECT pg_catalog.pg_extension_config_dump('owo.trial', '');
COMMENT ON TABLE owo.trial IS 'trials that were begun; one per customer and plan group';

-- What waits for the customer's money or card.
CREATE TABLE owo.checkout (
    id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    kind text NOT NULL,
    status text NOT NULL,
    url text,
    expires_at timestamptz,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    subscription_id uuid,
    plan_id uuid,
    amount bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    updated_at timestamptz NOT NULL,
    currency text,
    provider text NOT NULL DEFAULT 'manual',
    callback_url text,
    reference text,
    reason text,
    metadata jsonb NOT NULL DEFAULT '{}',
    pack_id uuid,
    credit_system_id uuid,
    credits numeric,
    quantity integer,
    credits_expire_after text,
    has_page boolean NOT NULL DEFAULT true,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT checkout_pack_as_a_whole_check CHECK (
        pg_catalog.num_nulls(pack_id, credit_system_id, credits, quantity)
        = CASE kind WHEN 'pack' THEN 0 ELSE 4 END),
    CONSTRAINT checkout_credits_check CHECK (credits > 0),
    CONSTRAINT checkout_quantity_check CHECK (quantity >= 1),
    CONSTRAINT checkout_kind_check CHECK (kind IN ('subscription', 'setup', 'pack')),
    CONSTRAINT checkout_status_check CHECK (status IN ('open', 'completed', 'failed', 'expired')),
    CONSTRAINT checkout_closed_has_a_date_check CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT checkout_amount_check CHECK (amount >= 0),
    CONSTRAINT checkout_reference_length_check CHECK (pg_catalog.length(reference) <= 255),
    CONSTRAINT checkout_reason_length_check CHECK (pg_catalog.length(reason) <= 1000),
    CONSTRAINT checkout_callback_url_length_check CHECK (pg_catalog.length(callback_url) <= 2048)
);
CREATE INDEX checkout_id_idx ON owo.checkout (id);
CREATE INDEX checkout_organization_id_expires_at_idx
    ON owo.checkout (organization_id, expires_at) WHERE status = 'open';
SELECT pg_catalog.pg_extension_config_dump('owo.checkout', '');
COMMENT ON TABLE owo.checkout IS 'steps that wait for a payment or a card';
COMMENT ON COLUMN owo.checkout.url IS 'where the customer pays; null until the provider has answered';
COMMENT ON COLUMN owo.checkout.reference IS 'what the payment is called outside';
COMMENT ON COLUMN owo.checkout.credits IS 'what a pack will give, as it was sold';
COMMENT ON COLUMN owo.checkout.credits_expire_after IS 'life of those credits, as interval text';
COMMENT ON COLUMN owo.checkout.has_page
    IS 'false: the provider carries it out without the customer, such as with a saved card';

-- A method of provider manual stands for an agreement outside, such as a standing order.
CREATE TABLE owo.payment_method (
    id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    provider text NOT NULL,
    kind text NOT NULL DEFAULT 'card',
    is_default boolean NOT NULL DEFAULT true,
    expires_month integer,
    expires_year integer,
    created_at timestamptz NOT NULL,
    external_id text,
    brand text,
    last_digits text,
    account_id uuid,
    fingerprint text,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT payment_method_expires_month_check CHECK (expires_month BETWEEN 1 AND 12)
);
SELECT pg_catalog.pg_extension_config_dump('owo.payment_method', '');
COMMENT ON TABLE owo.payment_method IS 'saved means of payment';

ALTER TABLE owo.subscription ENABLE ROW LEVEL SECURITY;
CREATE POLICY subscription_reader ON owo.subscription FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
ALTER TABLE owo.checkout ENABLE ROW LEVEL SECURITY;
CREATE POLICY checkout_reader ON owo.checkout FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
ALTER TABLE owo.plan_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY plan_change_reader ON owo.plan_change FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = plan_change.customer_id));
ALTER TABLE owo.trial ENABLE ROW LEVEL SECURITY;
CREATE POLICY trial_reader ON owo.trial FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = trial.customer_id));
ALTER TABLE owo.payment_method ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_method_reader ON owo.payment_method FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = payment_method.customer_id));
