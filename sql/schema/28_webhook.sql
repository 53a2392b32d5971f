-- Webhooks as they came: verified over their bytes at receipt, applied by the worker.

CREATE TABLE owo.webhook_event (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES owo.provider_account (id),
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    provider text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL DEFAULT 'received',
    customer_id uuid,
    headers jsonb NOT NULL DEFAULT '{}',
    body bytea,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz,
    waits_for text,
    error text,
    effects jsonb NOT NULL DEFAULT '[]',
    event_at timestamptz,
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed_at timestamptz,
    -- One provider event, one effect.
    CONSTRAINT webhook_event_event_id_key UNIQUE (account_id, event_id),
    CONSTRAINT webhook_event_status_check CHECK (status IN (
        'received', 'parked', 'applied', 'ignored', 'unknown', 'conflict', 'dead')),
    CONSTRAINT webhook_event_open_has_a_date_check
        CHECK ((status IN ('received', 'parked')) = (next_at IS NOT NULL)),
    CONSTRAINT webhook_event_event_id_length_check
        CHECK (pg_catalog.length(event_id) BETWEEN 1 AND 500)
);
CREATE INDEX webhook_event_next_at_idx ON owo.webhook_event (next_at, received_at)
    WHERE status IN ('received', 'parked');
-- What parked ones wait for, and whose bodies are to be dropped.
CREATE INDEX webhook_event_waits_for_idx ON owo.webhook_event (account_id, waits_for)
    WHERE status = 'parked' AND waits_for IS NOT NULL;
CREATE INDEX webhook_event_body_idx ON owo.webhook_event (organization_id, received_at)
    WHERE body IS NOT NULL AND status NOT IN ('received', 'parked');
CREATE INDEX webhook_event_customer_id_idx ON owo.webhook_event (customer_id)
    WHERE customer_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.webhook_event', '');
COMMENT ON TABLE owo.webhook_event IS 'verified webhooks of providers and what became of them';
COMMENT ON COLUMN owo.webhook_event.status
    IS 'parked: its cause is not known yet; conflict: two customers are meant; dead: not readable or given up';
COMMENT ON COLUMN owo.webhook_event.waits_for IS 'link that a parked one waits for, as kind:external id';
COMMENT ON COLUMN owo.webhook_event.effects IS 'what was done, for a person';
COMMENT ON COLUMN owo.webhook_event.body IS 'bytes as they came; dropped when they are old';

ALTER TABLE owo.webhook_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY webhook_event_reader ON owo.webhook_event FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
