-- Users' tables under features.

-- Which table is under which feature. Kept by name, so that a dump restores it; the triggers
-- themselves say how rows are counted.
CREATE TABLE owo.enforced_table (
    feature_id uuid NOT NULL,
    organization_id uuid NOT NULL REFERENCES owo.organization (id),
    table_schema text NOT NULL,
    table_name text NOT NULL,
    mode text NOT NULL,
    customer_column text NOT NULL,
    entity_column text,
    value_expression text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (feature_id, table_schema, table_name),
    CONSTRAINT enforced_table_mode_check CHECK (mode IN ('row', 'statement'))
);
SELECT pg_catalog.pg_extension_config_dump('owo.enforced_table', '');
COMMENT ON TABLE owo.enforced_table IS 'tables whose rows are counted under a feature';

ALTER TABLE owo.enforced_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY enforced_table_reader ON owo.enforced_table FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));
