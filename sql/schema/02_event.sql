-- What happened, for people and for listeners. Counting never reads it.
CREATE TABLE owo.event (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    organization_id uuid NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (customer_id, id)
);
CREATE INDEX event_organization_id_at_idx ON owo.event (organization_id, at);
SELECT pg_catalog.pg_extension_config_dump('owo.event', '');
COMMENT ON TABLE owo.event IS 'state changes and crossings; nil customer where none is concerned';

ALTER TABLE owo.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_reader ON owo.event FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
