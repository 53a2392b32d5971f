-- Partitions that come to an enforced table later.

-- Row triggers of a parent reach new partitions by themselves; TRUNCATE of one alone, and rows that
-- an attached one brings, would pass by them. The last of the objects: no command of the install
-- script needs it.
CREATE FUNCTION owo._enforce_partitions() RETURNS event_trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_enforce_partitions_wrapper';
COMMENT ON FUNCTION owo._enforce_partitions()
    IS 'puts new partitions of enforced tables under what their parents obey';
CREATE EVENT TRIGGER owo_enforce_partitions ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
    EXECUTE FUNCTION owo._enforce_partitions();
COMMENT ON EVENT TRIGGER owo_enforce_partitions
    IS 'puts new partitions of enforced tables under what their parents obey';
