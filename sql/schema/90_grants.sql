-- PUBLIC has nothing: every right comes through owo_grant_role, so that rights and organizations
-- are decided in one place. What ALTER DEFAULT PRIVILEGES gave away goes too, and every table shows
-- rows only where a policy says so, also to roles that may read or write all tables.

-- Also for what is made later, such as partitions: default privileges reach those as well.
CREATE FUNCTION owo._revoke_all(relation regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grantee regrole;
BEGIN
    FOR grantee IN
        SELECT DISTINCT a.grantee
          FROM pg_class AS c
         CROSS JOIN LATERAL aclexplode(c.relacl) AS a
         WHERE c.oid = relation AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', relation,
                       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::text END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION owo._revoke_all(regclass) IS 'leaves a relation to its owner alone';

DO $$
DECLARE
    object record;
BEGIN
    FOR object IN
        SELECT format('ROUTINE %s', p.oid::regprocedure) AS name,
               coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') AS grantee
          FROM pg_depend AS d
          JOIN pg_extension AS e ON e.oid = d.refobjid
          JOIN pg_proc AS p ON p.oid = d.objid
         CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
         WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'owostack'
           AND d.classid = 'pg_proc'::regclass AND a.grantee <> p.proowner
         UNION
        SELECT format('SCHEMA %I', n.nspname),
               coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
          FROM pg_namespace AS n
         CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
         WHERE n.nspname = 'owo' AND a.grantee <> n.nspowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', object.name, object.grantee);
    END LOOP;
    FOR object IN
        SELECT c.oid::regclass AS name, c.relkind IN ('r', 'p') AS has_rows
          FROM pg_class AS c
         WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    LOOP
        PERFORM owo._revoke_all(object.name);
        IF object.has_rows THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', object.name);
        END IF;
    END LOOP;
END
$$;
