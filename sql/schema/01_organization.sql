-- Organizations, who may act in them, and what binds this database.

-- Settings are columns, not session settings: nothing that a session can set may influence a limit.
CREATE TABLE owo.organization (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    slug text NOT NULL,
    name text,
    environment text NOT NULL DEFAULT 'live',
    timezone text NOT NULL DEFAULT 'UTC',
    default_provider text NOT NULL DEFAULT 'manual',
    clock_at timestamptz,
    grace_days integer NOT NULL DEFAULT 7,
    event_age_days integer NOT NULL DEFAULT 35,
    idempotency_days integer NOT NULL DEFAULT 35,
    email_unique boolean NOT NULL DEFAULT true,
    match_email boolean NOT NULL DEFAULT false,
    dunning_days integer[] NOT NULL DEFAULT '{1,3,5,7}',
    webhook_days integer NOT NULL DEFAULT 90,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT organization_slug_key UNIQUE (slug),
    CONSTRAINT organization_slug_length_check CHECK (pg_catalog.length(slug) BETWEEN 1 AND 255),
    CONSTRAINT organization_name_length_check CHECK (pg_catalog.length(name) <= 1000),
    CONSTRAINT organization_environment_check CHECK (environment IN ('live', 'sandbox')),
    CONSTRAINT organization_clock_only_in_sandbox_check
        CHECK (environment = 'sandbox' OR clock_at IS NULL),
    CONSTRAINT organization_grace_days_check CHECK (grace_days BETWEEN 0 AND 3650),
    CONSTRAINT organization_event_age_days_check CHECK (event_age_days BETWEEN 0 AND 3650),
    CONSTRAINT organization_idempotency_days_check CHECK (idempotency_days BETWEEN 1 AND 3650),
    CONSTRAINT organization_webhook_days_check CHECK (webhook_days BETWEEN 1 AND 3650)
);
SELECT pg_catalog.pg_extension_config_dump('owo.organization', '');
COMMENT ON TABLE owo.organization IS 'a tenant of the catalog with its own customers, settings and clock';
COMMENT ON COLUMN owo.organization.clock_at IS 'sandbox clock; null follows real time';
COMMENT ON COLUMN owo.organization.grace_days IS 'days that a past-due subscription keeps access';
COMMENT ON COLUMN owo.organization.match_email
    IS 'a provider''s events may be matched to customers by e-mail address';
COMMENT ON COLUMN owo.organization.event_age_days IS 'oldest occurred_at that is accepted, in days';
COMMENT ON COLUMN owo.organization.idempotency_days IS 'how long idempotency keys are kept, in days';
COMMENT ON COLUMN owo.organization.webhook_days IS 'how long bodies of webhooks are kept, in days';

-- Rights by role name, so that they survive a dump into another cluster.
CREATE TABLE owo.role_grant (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    role_name text NOT NULL,
    organization_id uuid REFERENCES owo.organization (id),
    level text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT role_grant_role_organization_key UNIQUE NULLS NOT DISTINCT (role_name, organization_id),
    CONSTRAINT role_grant_level_check CHECK (level IN ('reader', 'app', 'webhook', 'admin'))
);
SELECT pg_catalog.pg_extension_config_dump('owo.role_grant', '');
COMMENT ON TABLE owo.role_grant IS 'levels given by owo_grant_role; a null organization means all';

-- Not dumped on purpose: a restored database is unbound until its first call (protocol 31).
CREATE TABLE owo.installation (
    database_oid oid PRIMARY KEY,
    bound_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE owo.installation IS 'the database that this installation is bound to; never dumped';

ALTER TABLE owo.organization ENABLE ROW LEVEL SECURITY;
CREATE POLICY organization_reader ON owo.organization FOR SELECT
    USING (id IN (SELECT owo._organizations('reader')));
