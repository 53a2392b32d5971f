-- Counting: pending rows, folded sums, the record (protocol 27, 28, 29).
-- In any one snapshot: used = meter_period.used + sum(usage_pending.quantity).

-- Append-only and without foreign or unique keys, so that a track waits for nobody.
-- quantity is in units of the meter (credits for a credit system), units in those of the feature.
CREATE TABLE owo.usage_pending (
    customer_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    number bigint NOT NULL,
    quantity numeric NOT NULL,
    units numeric NOT NULL,
    feature_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    source_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    anchor_at timestamptz,
    period_start timestamptz,
    period_end timestamptz,
    origin bigint,
    count_number integer NOT NULL,
    parent_id uuid,
    kind text NOT NULL,
    source_kind text NOT NULL,
    cadence text NOT NULL,
    entity text,
    meter_entity text,
    metadata jsonb
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);
CREATE INDEX usage_pending_customer_id_meter_id_idx ON owo.usage_pending (customer_id, meter_id);
ALTER TABLE owo.usage_pending REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('owo.usage_pending', '');
COMMENT ON TABLE owo.usage_pending IS 'usage that is recorded and not yet folded; one row per meter touched';
COMMENT ON COLUMN owo.usage_pending.kind
    IS 'what was drawn from; carry, expired and voided are moves without usage';
COMMENT ON COLUMN owo.usage_pending.entity IS 'the entity that the usage is tagged with';
COMMENT ON COLUMN owo.usage_pending.meter_entity IS 'the entity that the meter belongs to';

-- A line that a customer can spend from; its id is derived from its natural key.
CREATE TABLE owo.meter (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    subject_id uuid NOT NULL,
    source_id uuid NOT NULL,
    source_kind text NOT NULL,
    cadence text NOT NULL,
    anchor_at timestamptz,
    count_number integer NOT NULL,
    origin bigint,
    parent_id uuid,
    entity text,
    PRIMARY KEY (customer_id, id)
);
CREATE INDEX meter_customer_id_parent_id_idx ON owo.meter (customer_id, parent_id)
    WHERE parent_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.meter', '');
COMMENT ON TABLE owo.meter IS 'an allowance, rollover, grant or override that usage is drawn from';

-- What was used of a meter in its period with that number; start and end are for people.
CREATE TABLE owo.meter_period (
    customer_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    number bigint NOT NULL,
    used numeric NOT NULL,
    period_start timestamptz,
    period_end timestamptz,
    opening numeric NOT NULL DEFAULT 0,
    carried numeric NOT NULL DEFAULT 0,
    carried_opening numeric NOT NULL DEFAULT 0,
    taken_opening numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, meter_id, number)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('owo.meter_period', '');
COMMENT ON TABLE owo.meter_period IS 'folded usage of a meter by period number';
COMMENT ON COLUMN owo.meter_period.opening IS 'part of used whose record has been dropped';
COMMENT ON COLUMN owo.meter_period.carried
    IS 'part of used that switches carried here from other meters';
COMMENT ON COLUMN owo.meter_period.carried_opening
    IS 'part of carried whose record has been dropped';
COMMENT ON COLUMN owo.meter_period.taken_opening
    IS 'part of opening that took the rest of expired or voided credits';

-- What each feature drew of a pool of credits: a return gives back no more than that.
CREATE TABLE owo.meter_feature (
    customer_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    number bigint NOT NULL,
    feature_id uuid NOT NULL,
    used numeric NOT NULL,
    units numeric NOT NULL,
    opening numeric NOT NULL DEFAULT 0,
    carried numeric NOT NULL DEFAULT 0,
    carried_opening numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, meter_id, number, feature_id)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('owo.meter_feature', '');
COMMENT ON TABLE owo.meter_feature IS 'folded credits and units that one feature drew from a meter';
COMMENT ON COLUMN owo.meter_feature.opening IS 'part of used whose record has been dropped';
COMMENT ON COLUMN owo.meter_feature.carried
    IS 'part of used that switches carried here from other meters';
COMMENT ON COLUMN owo.meter_feature.carried_opening
    IS 'part of carried whose record has been dropped';

-- The record: partitions by month of the event, made by the fold that first needs one.
CREATE TABLE owo.usage_event (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    meter_id uuid NOT NULL,
    number bigint NOT NULL,
    quantity numeric NOT NULL,
    units numeric NOT NULL,
    feature_id uuid NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    entity text,
    metadata jsonb
) PARTITION BY RANGE (at);
COMMENT ON TABLE owo.usage_event IS 'every folded unit of usage, in monthly partitions';

CREATE TABLE owo.usage_daily (
    customer_id uuid NOT NULL,
    feature_id uuid NOT NULL,
    day date NOT NULL,
    units numeric NOT NULL,
    opening numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, feature_id, day)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('owo.usage_daily', '');
COMMENT ON TABLE owo.usage_daily IS 'folded usage by day in UTC';
COMMENT ON COLUMN owo.usage_daily.opening IS 'part of units whose record has been dropped';

-- Idempotency keys with the request they answered; one space per customer (protocol 30).
-- Texts are kept as they were made, and keys compared byte by byte: a batch writes thousands at once.
CREATE TABLE owo.usage_key (
    customer_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    key text COLLATE pg_catalog."C" NOT NULL,
    request json NOT NULL,
    result json NOT NULL,
    PRIMARY KEY (customer_id, key),
    CONSTRAINT usage_key_key_length_check CHECK (pg_catalog.length(key) BETWEEN 1 AND 255)
);
CREATE INDEX usage_key_created_at_idx ON owo.usage_key (created_at);
SELECT pg_catalog.pg_extension_config_dump('owo.usage_key', '');
COMMENT ON TABLE owo.usage_key IS 'idempotency keys with request and result';

CREATE TRIGGER usage_pending_guard BEFORE INSERT OR UPDATE OR DELETE ON owo.usage_pending
    FOR EACH ROW EXECUTE FUNCTION owo._guard_count();
CREATE TRIGGER usage_pending_guard_truncate BEFORE TRUNCATE ON owo.usage_pending
    FOR EACH STATEMENT EXECUTE FUNCTION owo._guard_count();
ALTER TABLE owo.usage_pending ENABLE ALWAYS TRIGGER usage_pending_guard;
ALTER TABLE owo.usage_pending ENABLE ALWAYS TRIGGER usage_pending_guard_truncate;
CREATE TRIGGER meter_period_guard BEFORE INSERT OR UPDATE OR DELETE ON owo.meter_period
    FOR EACH ROW EXECUTE FUNCTION owo._guard_count();
CREATE TRIGGER meter_period_guard_truncate BEFORE TRUNCATE ON owo.meter_period
    FOR EACH STATEMENT EXECUTE FUNCTION owo._guard_count();
ALTER TABLE owo.meter_period ENABLE ALWAYS TRIGGER meter_period_guard;
ALTER TABLE owo.meter_period ENABLE ALWAYS TRIGGER meter_period_guard_truncate;

CREATE TRIGGER meter_feature_guard BEFORE INSERT OR UPDATE OR DELETE ON owo.meter_feature
    FOR EACH ROW EXECUTE FUNCTION owo._guard_count();
CREATE TRIGGER meter_feature_guard_truncate BEFORE TRUNCATE ON owo.meter_feature
    FOR EACH STATEMENT EXECUTE FUNCTION owo._guard_count();
ALTER TABLE owo.meter_feature ENABLE ALWAYS TRIGGER meter_feature_guard;
ALTER TABLE owo.meter_feature ENABLE ALWAYS TRIGGER meter_feature_guard_truncate;

ALTER TABLE owo.usage_pending ENABLE ROW LEVEL SECURITY;
CREATE POLICY usage_pending_reader ON owo.usage_pending FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = usage_pending.customer_id));
ALTER TABLE owo.meter ENABLE ROW LEVEL SECURITY;
CREATE POLICY meter_reader ON owo.meter FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = meter.customer_id));
ALTER TABLE owo.meter_period ENABLE ROW LEVEL SECURITY;
CREATE POLICY meter_period_reader ON owo.meter_period FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = meter_period.customer_id));
ALTER TABLE owo.meter_feature ENABLE ROW LEVEL SECURITY;
CREATE POLICY meter_feature_reader ON owo.meter_feature FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = meter_feature.customer_id));
ALTER TABLE owo.usage_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY usage_event_reader ON owo.usage_event FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = usage_event.customer_id));
ALTER TABLE owo.usage_daily ENABLE ROW LEVEL SECURITY;
CREATE POLICY usage_daily_reader ON owo.usage_daily FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = usage_daily.customer_id));
