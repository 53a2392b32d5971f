-- What we want of providers: written with the change that wants it, sent by the worker afterwards.

-- A job says what is wanted in our ids. The operation is fixed when the job is first taken up and
-- never changes afterwards: a provider's idempotency key stands for one and the same request.
CREATE TABLE owo.outbox (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES owo.provider_account (id),
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    customer_id uuid,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    lane uuid NOT NULL,
    job jsonb NOT NULL,
    operation jsonb,
    progress jsonb,
    state text NOT NULL DEFAULT 'queued',
    is_sending boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    lease_until timestamptz,
    waits_for uuid,
    error text,
    error_code text,
    error_status integer,
    request_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT outbox_state_check
        CHECK (state IN ('queued', 'waiting', 'running', 'failed', 'done', 'dead')),
    CONSTRAINT outbox_running_has_a_lease_check
        CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT outbox_waiting_waits_for_something_check
        CHECK ((state = 'waiting') = (waits_for IS NOT NULL)),
    CONSTRAINT outbox_closed_has_a_date_check
        CHECK ((state IN ('done', 'dead')) = (closed_at IS NOT NULL)),
    CONSTRAINT outbox_attempts_check CHECK (attempts >= 0)
);
CREATE INDEX outbox_account_id_next_at_idx ON owo.outbox (account_id, next_at)
    WHERE state IN ('queued', 'failed');
CREATE INDEX outbox_account_id_lease_until_idx ON owo.outbox (account_id, lease_until)
    WHERE state = 'running';
CREATE INDEX outbox_lane_idx ON owo.outbox (lane, id) WHERE state NOT IN ('done', 'dead');
CREATE INDEX outbox_waits_for_idx ON owo.outbox (waits_for) WHERE state = 'waiting';
CREATE INDEX outbox_subject_id_idx ON owo.outbox (subject_id);
CREATE INDEX outbox_closed_at_idx ON owo.outbox (closed_at) WHERE state = 'done';
SELECT pg_catalog.pg_extension_config_dump('owo.outbox', '');
COMMENT ON TABLE owo.outbox IS 'calls to providers: queued, running, done, to be repeated, or dead';
COMMENT ON COLUMN owo.outbox.lane IS 'jobs of one lane go one after another, in order of their ids';
COMMENT ON COLUMN owo.outbox.is_sending IS 'a request may be on its way: if its worker dies, look before repeating';
COMMENT ON COLUMN owo.outbox.waits_for IS 'the job that must be done first';

ALTER TABLE owo.outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY outbox_reader ON owo.outbox FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
