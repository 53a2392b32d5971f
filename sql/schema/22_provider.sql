-- Accounts at payment providers, and which of their objects are ours.

-- One per organization, provider and environment. Nothing here is secret.
CREATE TABLE owo.provider_account (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    provider text NOT NULL,
    environment text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    base_url text,
    credentials_file text,
    resting_until timestamptz,
    resting_reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT provider_account_environment_key UNIQUE (organization_id, provider, environment),
    CONSTRAINT provider_account_provider_check
        CHECK (provider IN ('stripe', 'paystack', 'dodo', 'polar')),
    CONSTRAINT provider_account_environment_check CHECK (environment IN ('test', 'live')),
    CONSTRAINT provider_account_base_url_length_check CHECK (pg_catalog.length(base_url) <= 2048),
    CONSTRAINT provider_account_credentials_file_length_check
        CHECK (pg_catalog.length(credentials_file) <= 4096),
    CONSTRAINT provider_account_resting_has_a_reason_check
        CHECK ((resting_until IS NULL) = (resting_reason IS NULL))
);
SELECT pg_catalog.pg_extension_config_dump('owo.provider_account', '');
COMMENT ON TABLE owo.provider_account IS 'accounts at payment providers; their keys are elsewhere, sealed';
COMMENT ON COLUMN owo.provider_account.base_url IS 'where calls go instead of the provider''s own address';
COMMENT ON COLUMN owo.provider_account.credentials_file
    IS 'file on the server that holds the credentials instead of this database';
COMMENT ON COLUMN owo.provider_account.resting_until
    IS 'no calls until then: the provider refused the key or asked to wait';

-- Ciphertext only; the key lies outside the database. No role is granted this table.
CREATE TABLE owo.provider_secret (
    account_id uuid PRIMARY KEY REFERENCES owo.provider_account (id),
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    sealed_at timestamptz NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('owo.provider_secret', '');
COMMENT ON TABLE owo.provider_secret IS 'credentials of accounts, sealed with a key from a file';
COMMENT ON COLUMN owo.provider_secret.key_id IS 'which key of the file sealed them; tells nothing of it';

-- Not dumped on purpose: a restored or copied database charges nobody until it adopts the account
-- (protocol 31).
CREATE TABLE owo.provider_binding (
    account_id uuid PRIMARY KEY,
    database_oid oid NOT NULL,
    bound_at timestamptz NOT NULL
);
COMMENT ON TABLE owo.provider_binding IS 'accounts that this very database may use; never dumped';

-- Our id and the provider's. The order columns tell how new our knowledge of the object is.
CREATE TABLE owo.provider_ref (
    account_id uuid NOT NULL REFERENCES owo.provider_account (id),
    kind text NOT NULL,
    external_id text NOT NULL,
    local_id uuid NOT NULL,
    customer_id uuid,
    key text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'linked',
    detail jsonb NOT NULL DEFAULT '{}',
    order_at timestamptz,
    order_stage smallint,
    order_period_end timestamptz,
    order_noticed_at timestamptz,
    order_certain boolean,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, external_id),
    CONSTRAINT provider_ref_kind_check CHECK (kind IN (
        'customer', 'plan', 'product', 'checkout', 'subscription', 'payment', 'refund', 'method')),
    CONSTRAINT provider_ref_state_check CHECK (state IN ('linked', 'stale')),
    CONSTRAINT provider_ref_external_id_length_check
        CHECK (pg_catalog.length(external_id) BETWEEN 1 AND 500),
    CONSTRAINT provider_ref_order_as_a_whole_check
        CHECK (pg_catalog.num_nulls(order_at, order_stage, order_noticed_at, order_certain) IN (0, 4))
);
-- What is made once must have one link.
CREATE UNIQUE INDEX provider_ref_one_link_idx ON owo.provider_ref (account_id, kind, local_id, key)
    WHERE state = 'linked' AND kind IN ('customer', 'plan', 'product');
-- Longer than the key's beginning, which the planner would take while it knows no better.
CREATE INDEX provider_ref_local_id_idx ON owo.provider_ref (local_id, account_id, kind);
CREATE INDEX provider_ref_customer_id_idx ON owo.provider_ref (customer_id)
    WHERE customer_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.provider_ref', '');
COMMENT ON TABLE owo.provider_ref IS 'our ids beside the providers''';
COMMENT ON COLUMN owo.provider_ref.key IS 'price key of a plan: another amount or interval is another price';
COMMENT ON COLUMN owo.provider_ref.state IS 'stale: the provider does not know the object any more';
COMMENT ON COLUMN owo.provider_ref.order_at IS 'when what we know of the object was true';

ALTER TABLE owo.provider_account ENABLE ROW LEVEL SECURITY;
CREATE POLICY provider_account_reader ON owo.provider_account FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
ALTER TABLE owo.provider_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE owo.provider_binding ENABLE ROW LEVEL SECURITY;
ALTER TABLE owo.provider_ref ENABLE ROW LEVEL SECURITY;
CREATE POLICY provider_ref_reader ON owo.provider_ref FOR SELECT
    USING (EXISTS (SELECT FROM owo.provider_account
                    WHERE provider_account.id = provider_ref.account_id));
