-- One customer, many names: payment provider, gateway, auth subject, company, user.
CREATE TABLE owo.identity (
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    provider text NOT NULL,
    kind text NOT NULL,
    external_id text NOT NULL,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, provider, kind, external_id),
    CONSTRAINT identity_name_key UNIQUE (organization_id, provider, kind, external_id),
    CONSTRAINT identity_provider_length_check CHECK (pg_catalog.length(provider) BETWEEN 1 AND 255),
    CONSTRAINT identity_kind_length_check CHECK (pg_catalog.length(kind) BETWEEN 1 AND 255),
    CONSTRAINT identity_external_id_length_check
        CHECK (pg_catalog.length(external_id) BETWEEN 1 AND 255)
);
SELECT pg_catalog.pg_extension_config_dump('owo.identity', '');
COMMENT ON TABLE owo.identity IS 'names that other systems have for a customer';

ALTER TABLE owo.identity ENABLE ROW LEVEL SECURITY;
CREATE POLICY identity_reader ON owo.identity FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
