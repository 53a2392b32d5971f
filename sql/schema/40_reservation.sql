-- Holds: units drawn before their amount is known (protocol 19). What a hold draws is counted like
-- usage, by rows of kind hold in usage_pending; the row here says how long, and where to give it back.

CREATE TABLE owo.reservation (
    customer_id uuid NOT NULL REFERENCES owo.customer (id),
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'open',
    feature_id uuid NOT NULL,
    quantity numeric NOT NULL,
    settled_quantity numeric,
    credit_cost numeric,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    entity text,
    lines jsonb NOT NULL DEFAULT '[]',
    metadata jsonb,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT reservation_status_check
        CHECK (status IN ('open', 'settled', 'released', 'expired')),
    CONSTRAINT reservation_quantity_check CHECK (quantity >= 0 AND settled_quantity >= 0),
    CONSTRAINT reservation_is_settled_with_a_quantity_check
        CHECK ((status = 'settled') = (settled_quantity IS NOT NULL)),
    CONSTRAINT reservation_is_closed_at_a_time_check
        CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT reservation_lines_array_check CHECK (pg_catalog.jsonb_typeof(lines) = 'array')
);
-- Not unique: ids are random, and a unique one could not be sharded by customer.
CREATE INDEX reservation_id_idx ON owo.reservation (id);
CREATE INDEX reservation_customer_id_expires_at_idx ON owo.reservation (customer_id, expires_at)
    WHERE status = 'open';
CREATE INDEX reservation_organization_id_expires_at_idx
    ON owo.reservation (organization_id, expires_at) WHERE status = 'open';
CREATE INDEX reservation_closed_at_idx ON owo.reservation (closed_at) WHERE closed_at IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('owo.reservation', '');
COMMENT ON TABLE owo.reservation IS 'holds of units whose amount is not known yet';
COMMENT ON COLUMN owo.reservation.quantity IS 'units of the feature that are held';
COMMENT ON COLUMN owo.reservation.settled_quantity IS 'units that were used in the end';
COMMENT ON COLUMN owo.reservation.credit_cost IS 'credits per unit when the hold was taken';
COMMENT ON COLUMN owo.reservation.lines
    IS 'what was drawn from which meter, and where a switch carried it';

CREATE TRIGGER reservation_guard BEFORE INSERT OR UPDATE OR DELETE ON owo.reservation
    FOR EACH ROW EXECUTE FUNCTION owo._guard_count();
CREATE TRIGGER reservation_guard_truncate BEFORE TRUNCATE ON owo.reservation
    FOR EACH STATEMENT EXECUTE FUNCTION owo._guard_count();
ALTER TABLE owo.reservation ENABLE ALWAYS TRIGGER reservation_guard;
ALTER TABLE owo.reservation ENABLE ALWAYS TRIGGER reservation_guard_truncate;

ALTER TABLE owo.reservation ENABLE ROW LEVEL SECURITY;
CREATE POLICY reservation_reader ON owo.reservation FOR SELECT
    USING (EXISTS (SELECT FROM owo.customer WHERE customer.id = reservation.customer_id));
