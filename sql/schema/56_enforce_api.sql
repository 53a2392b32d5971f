-- Enforcement on users' tables: the triggers, and what makes them.

-- As a statement trigger it needs tables of changed rows under names of ours, so owo_enforce_table
-- makes those; by hand: row triggers.
CREATE FUNCTION owo_enforce() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_enforce_wrapper';
COMMENT ON FUNCTION owo_enforce()
    IS 'trigger that counts rows under a feature; raises 23514 when denied';

CREATE FUNCTION owo_enforce_table(
    target regclass,
    feature text,
    customer_column text,
    entity_column text DEFAULT NULL,
    value_expression text DEFAULT '1',
    mode text DEFAULT NULL,
    backfill boolean DEFAULT true,
    organization text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_enforce_table_wrapper';
COMMENT ON FUNCTION owo_enforce_table(regclass, text, text, text, text, text, boolean, text)
    IS 'make a table obey a feature of the plan; its rows are counted from then on';

CREATE FUNCTION owo_unenforce_table(target regclass, feature text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_unenforce_table_wrapper';
COMMENT ON FUNCTION owo_unenforce_table(regclass, text)
    IS 'take a table out of a feature, or of all; what was counted stays';
