-- PUBLIC has nothing: every right comes through owo_grant_role, so that rights and organizations
-- are decided in one place.
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT d.objid::regprocedure
          FROM pg_catalog.pg_depend AS d
          JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass
           AND e.extname = 'owostack'
           AND d.classid = 'pg_catalog.pg_proc'::regclass
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
    END LOOP;
END
$$;
REVOKE ALL ON SCHEMA owo FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA owo FROM PUBLIC;
