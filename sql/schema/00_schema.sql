-- The fixed home of tables, views and private functions. API functions and the types they return
-- are created in the extension's own schema.

-- What others have put into the extension's schema must not be found by this script, neither now nor
-- in what it keeps parsed (constraints, policies, views): an operator there that fits better than
-- the system's would run with the owner's rights. So only the files that create the API look there.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Keys are hashed and compared as UTF-8 bytes.
DO $$
BEGIN
    IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'owostack needs a database with encoding UTF8'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END
$$;

CREATE SCHEMA owo;
COMMENT ON SCHEMA owo IS 'tables, views and private functions of extension owostack';

-- True once this database has been bound by a first call; false during a restore, so that rules and
-- history rest while the restored rows come in (protocol 31). For trigger functions that run with the
-- owner's rights: refuses any other table than ours.
CREATE FUNCTION owo._watches(relation oid) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', '_watches_wrapper';
COMMENT ON FUNCTION owo._watches(oid) IS 'whether triggers of a table of ours are to act';

-- The organizations in which the current user holds a level; for row-security policies.
CREATE FUNCTION owo._organizations(level text) RETURNS SETOF uuid
    LANGUAGE c STABLE PARALLEL SAFE ROWS 4 AS 'MODULE_PATHNAME', '_organizations_wrapper';
COMMENT ON FUNCTION owo._organizations(text) IS 'organizations granted to the current user at a level';

-- The organization of the session; default of organization_id in the catalog tables.
CREATE FUNCTION owo._organization() RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_organization_wrapper';
COMMENT ON FUNCTION owo._organization() IS 'organization of the session, writing the row of default if missing';

-- Refuses plain SQL on rows that are counted (protocol 17).
CREATE FUNCTION owo._guard_count() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_guard_count_wrapper';
COMMENT ON FUNCTION owo._guard_count() IS 'refuses plain SQL on counted tables';

-- The clock of an organization, for triggers.
CREATE FUNCTION owo._now(organization_id uuid) RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_now_wrapper';
COMMENT ON FUNCTION owo._now(uuid) IS 'wall-clock or sandbox time of an organization';
