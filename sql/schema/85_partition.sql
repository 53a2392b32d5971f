-- Partitions that come to an enforced table later.

-- Row triggers of a parent reach new partitions by themselves; TRUNCATE of one alone, and rows that
-- an attached one brings, would pass by them. The last of the objects: no command of the install
-- script needs it.
CREATE FUNCTION owo._welcome_partitions() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_welcome_partitions_wrapper';
COMMENT ON FUNCTION owo._welcome_partitions()
    IS 'puts what a command changed of enforced tables under what they obey';

-- Most commands are about other tables. They are told apart without the library: where its file is
-- missing or of another version, the database can still be changed and repaired. What lets a command
-- pass here is half of what the library asks.
CREATE FUNCTION owo._enforce_partitions() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_event_trigger_ddl_commands() AS c
         CROSS JOIN LATERAL pg_partition_ancestors(c.objid::regclass) AS a
          JOIN pg_trigger AS t ON t.tgrelid = a.relid AND t.tgtype & 32 <> 0
          JOIN pg_depend AS d
            ON d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.deptype = 'e'
          JOIN pg_extension AS e
            ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
         WHERE c.classid = 'pg_class'::regclass AND e.extname = 'owostack')
    THEN
        PERFORM owo._welcome_partitions();
    END IF;
END
$$;
COMMENT ON FUNCTION owo._enforce_partitions()
    IS 'tells whether a command was about an enforced table, and calls the library then';
CREATE EVENT TRIGGER owo_enforce_partitions ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
    EXECUTE FUNCTION owo._enforce_partitions();
COMMENT ON EVENT TRIGGER owo_enforce_partitions
    IS 'puts new partitions of enforced tables under what their parents obey';
