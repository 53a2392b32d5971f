-- Money that came and money that went back.

CREATE TABLE owo.payment (
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    id uuid NOT NULL,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    account_id uuid REFERENCES owo.provider_account (id),
    provider text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    amount bigint,
    currency text,
    tax_amount bigint,
    refunded_amount bigint NOT NULL DEFAULT 0,
    subscription_id uuid,
    checkout_id uuid,
    invoice_id uuid,
    payment_method_id uuid,
    external_id text,
    failure_code text,
    failure_message text,
    action_url text,
    next_attempt_at timestamptz,
    paid_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (customer_id, id),
    CONSTRAINT payment_status_check CHECK (status IN ('pending', 'succeeded', 'failed')),
    CONSTRAINT payment_reason_check CHECK (reason IN (
        'first', 'renewal', 'update', 'one_off', 'off_session', 'subscription', 'invoice')),
    CONSTRAINT payment_amount_check CHECK (amount >= 0),
    CONSTRAINT payment_amount_has_a_currency_check CHECK ((amount IS NULL) = (currency IS NULL)),
    CONSTRAINT payment_succeeded_has_an_amount_check
        CHECK (status <> 'succeeded' OR (amount IS NOT NULL AND paid_at IS NOT NULL)),
    CONSTRAINT payment_refunded_amount_check
        CHECK (refunded_amount BETWEEN 0 AND coalesce(amount, 0))
);
CREATE INDEX payment_id_idx ON owo.payment (id);
CREATE INDEX payment_organization_id_created_at_idx ON owo.payment (organization_id, created_at);
SELECT pg_catalog.pg_extension_config_dump('owo.payment', '');
COMMENT ON TABLE owo.payment IS 'money that came, failed to come, or is on its way';
COMMENT ON COLUMN owo.payment.amount IS 'minor units, tax included; null until the provider has said';
COMMENT ON COLUMN owo.payment.external_id IS 'the provider''s id, or the reference outside';
COMMENT ON COLUMN owo.payment.action_url IS 'where the customer confirms, when the bank asks for it';

CREATE TABLE owo.refund (
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    id uuid NOT NULL,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    payment_id uuid NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    reason text,
    external_id text,
    failure_message text,
    credit_grant_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT refund_payment_fkey FOREIGN KEY (customer_id, payment_id)
        REFERENCES owo.payment (customer_id, id),
    CONSTRAINT refund_credit_grant_fkey FOREIGN KEY (customer_id, credit_grant_id)
        REFERENCES owo.credit_grant (customer_id, id),
    CONSTRAINT refund_status_check CHECK (status IN ('pending', 'succeeded', 'failed')),
    CONSTRAINT refund_amount_check CHECK (amount > 0),
    CONSTRAINT refund_reason_length_check CHECK (pg_catalog.length(reason) <= 1000)
);
CREATE INDEX refund_payment_id_idx ON owo.refund (payment_id);
SELECT pg_catalog.pg_extension_config_dump('owo.refund', '');
COMMENT ON TABLE owo.refund IS 'money that went back, failed to, or is on its way';
COMMENT ON COLUMN owo.refund.credit_grant_id IS 'the pack''s credits whose rest went with it';

ALTER TABLE owo.payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_reader ON owo.payment FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
ALTER TABLE owo.refund ENABLE ROW LEVEL SECURITY;
CREATE POLICY refund_reader ON owo.refund FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
