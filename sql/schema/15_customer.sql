-- Customers and the names by which they are found.

-- id is derived from organization and key (protocol 3); a deleted row stays as a tombstone.
CREATE TABLE owo.customer (
    id uuid PRIMARY KEY,
    key text NOT NULL,
    email text,
    name text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    timezone text,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    deleted_reason text,
    CONSTRAINT customer_deleted_reason_check
        CHECK (deleted_at IS NOT NULL OR deleted_reason IS NULL),
    CONSTRAINT customer_key_length_check CHECK (pg_catalog.length(key) BETWEEN 1 AND 255),
    CONSTRAINT customer_email_length_check CHECK (pg_catalog.length(email) <= 320),
    CONSTRAINT customer_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT customer_metadata_object_check CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
);
CREATE INDEX customer_organization_id_idx ON owo.customer (organization_id, id);
SELECT pg_catalog.pg_extension_config_dump('owo.customer', '');
COMMENT ON TABLE owo.customer IS 'who has plans and usage; named by id, key, e-mail or identity';

-- Look-up by e-mail in lower case, apart from the customer so that both can be sharded.
CREATE TABLE owo.customer_email (
    organization_id uuid NOT NULL,
    email text NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    PRIMARY KEY (organization_id, email, customer_id)
);
SELECT pg_catalog.pg_extension_config_dump('owo.customer_email', '');
COMMENT ON TABLE owo.customer_email IS 'e-mail addresses in lower case and the customers that hold them';

ALTER TABLE owo.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_reader ON owo.customer FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
ALTER TABLE owo.customer_email ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_email_reader ON owo.customer_email FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));

-- Seats, projects, devices: what an entity feature counts. A removed entity has no row.
CREATE TABLE owo.entity (
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    feature_id uuid NOT NULL,
    key text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    remove_at timestamptz,
    name text,
    email text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, feature_id, key),
    CONSTRAINT entity_key_length_check CHECK (pg_catalog.length(key) BETWEEN 1 AND 255),
    CONSTRAINT entity_status_check CHECK (status IN ('active', 'pending_removal')),
    CONSTRAINT entity_removal_has_a_date_check
        CHECK ((status = 'pending_removal') = (remove_at IS NOT NULL))
);
CREATE INDEX entity_customer_id_key_idx ON owo.entity (customer_id, key);
CREATE INDEX entity_remove_at_idx ON owo.entity (remove_at) WHERE remove_at IS NOT NULL;
CREATE INDEX entity_customer_id_remove_at_idx ON owo.entity (customer_id, remove_at)
    WHERE remove_at IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.entity', '');
COMMENT ON TABLE owo.entity IS 'entities of a customer under an entity feature; each row takes a slot';

CREATE TRIGGER entity_guard BEFORE INSERT OR UPDATE OR DELETE ON owo.entity
    FOR EACH ROW EXECUTE FUNCTION owo._guard_count();
CREATE TRIGGER entity_guard_truncate BEFORE TRUNCATE ON owo.entity
    FOR EACH STATEMENT EXECUTE FUNCTION owo._guard_count();
ALTER TABLE owo.entity ENABLE ALWAYS TRIGGER entity_guard;
ALTER TABLE owo.entity ENABLE ALWAYS TRIGGER entity_guard_truncate;

ALTER TABLE owo.entity ENABLE ROW LEVEL SECURITY;
CREATE POLICY entity_reader ON owo.entity FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = entity.customer_id));

-- What replaces a plan's value for one customer or one subscription.
CREATE TABLE owo.override (
    id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    feature_id uuid NOT NULL,
    subscription_id uuid,
    enabled boolean,
    usage_limit numeric,
    unlimited boolean NOT NULL DEFAULT false,
    value jsonb,
    expires_at timestamptz,
    reason text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT override_feature_subscription_key
        UNIQUE NULLS NOT DISTINCT (customer_id, feature_id, subscription_id),
    CONSTRAINT override_usage_limit_check CHECK (usage_limit >= 0),
    CONSTRAINT override_limit_or_unlimited_check CHECK (NOT unlimited OR usage_limit IS NULL)
);
SELECT pg_catalog.pg_extension_config_dump('owo.override', '');
COMMENT ON TABLE owo.override IS 'values that replace a plan''s for one customer or subscription';

ALTER TABLE owo.override ENABLE ROW LEVEL SECURITY;
CREATE POLICY override_reader ON owo.override FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = override.customer_id));

-- Credits that were granted or bought; what is spent of them is on their meter. A grant is closed
-- once: what was left is then taken from the meter, and nothing is given any more.
CREATE TABLE owo.credit_grant (
    id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    credit_system_id uuid NOT NULL,
    amount numeric NOT NULL,
    expires_at timestamptz,
    priority integer NOT NULL DEFAULT 100,
    source text NOT NULL DEFAULT 'grant',
    reason text,
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    pack_id uuid,
    checkout_id uuid,
    closed_at timestamptz,
    closed_as text,
    taken numeric,
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (customer_id, id),
    CONSTRAINT credit_grant_amount_check CHECK (amount > 0),
    CONSTRAINT credit_grant_source_check CHECK (source IN ('grant', 'pack')),
    CONSTRAINT credit_grant_pack_is_bought_check CHECK (source = 'pack' OR pack_id IS NULL),
    CONSTRAINT credit_grant_closed_as_check CHECK (closed_as IN ('expired', 'voided')),
    CONSTRAINT credit_grant_closed_as_a_whole_check
        CHECK (pg_catalog.num_nulls(closed_at, closed_as, taken) IN (0, 3)),
    CONSTRAINT credit_grant_taken_check CHECK (taken BETWEEN 0 AND amount),
    CONSTRAINT credit_grant_metadata_object_check
        CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
);
CREATE INDEX credit_grant_organization_id_expires_at_idx
    ON owo.credit_grant (organization_id, expires_at) WHERE closed_at IS NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.credit_grant', '');
COMMENT ON TABLE owo.credit_grant IS 'granted or purchased credits with priority and expiry';
COMMENT ON COLUMN owo.credit_grant.closed_as IS 'expired by date, or voided, such as by a refund';
COMMENT ON COLUMN owo.credit_grant.taken IS 'what was left when the grant was closed';

ALTER TABLE owo.credit_grant ENABLE ROW LEVEL SECURITY;
CREATE POLICY credit_grant_reader ON owo.credit_grant FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = credit_grant.customer_id));
