-- Installing where somebody else may create objects, in a database that gives rights away by default: nothing of theirs is
-- picked up, and nobody holds a right.
\set VERBOSITY terse
SET client_min_messages = warning;
SET ROLE postgres;
DROP EXTENSION owostack CASCADE;
CREATE ROLE hostile_planter;
CREATE ROLE hostile_heir;
CREATE SCHEMA "Plans & ""Co""";
GRANT ALL ON SCHEMA "Plans & ""Co""" TO hostile_planter;
CREATE SCHEMA "My Schema";
GRANT ALL ON SCHEMA "My Schema" TO hostile_planter;

-- operators and functions that fit better than the system's own
SET ROLE hostile_planter;
SET search_path = "My Schema";
DO $$
DECLARE
    o record;
    number int := 0;
    types text[] := '{text,name,uuid,numeric,bigint,integer,smallint,jsonb,boolean,timestamptz,date,interval,oid}';
BEGIN
    FOR o IN
        SELECT op.name, l, r,
               CASE WHEN op.name IN ('=', '<>', '<', '<=', '>', '>=', '~') THEN 'boolean' WHEN op.name = '||' THEN 'text' ELSE l END AS result
        FROM unnest(string_to_array('= <> < <= > >= ~ + - * / ||', ' ')) AS op(name), unnest(types) AS l, unnest(types) AS r
        WHERE NOT EXISTS (SELECT FROM pg_operator p WHERE p.oprname = op.name AND p.oprnamespace = 'pg_catalog'::regnamespace
                                                      AND p.oprleft = l::regtype AND p.oprright = r::regtype)
    LOOP
        number := number + 1;
        EXECUTE format('CREATE FUNCTION "My Schema".planted_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION ''planted operator''; END $f$',
                       number, o.l, o.r, o.result);
        EXECUTE format('CREATE OPERATOR "My Schema".%s (FUNCTION = "My Schema".planted_%s, LEFTARG = %s, RIGHTARG = %s)', o.name, number, o.l, o.r);
    END LOOP;
    FOR o IN
        SELECT f.name, f.arguments
        FROM unnest('{format,coalesce,concat,trim_scale,sum,count,min,max,current_setting,now,length,octet_length,round,jsonb_typeof,num_nonnulls,
                      gen_random_uuid,current_database,to_jsonb,jsonb_build_object}'::text[]) AS f0(name)
        CROSS JOIN LATERAL (VALUES (trim(f0.name), 'text, text'), (trim(f0.name), 'text, text, text'), (trim(f0.name), 'text, numeric, numeric'),
            (trim(f0.name), 'text, bigint, timestamptz'), (trim(f0.name), 'text, integer'), (trim(f0.name), 'text, name, timestamptz'),
            (trim(f0.name), 'text, uuid'), (trim(f0.name), 'uuid, uuid')) AS f(name, arguments)
        WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.proname = f.name AND p.pronamespace = 'pg_catalog'::regnamespace
                                                  AND pg_get_function_identity_arguments(p.oid) = f.arguments)
    LOOP
        EXECUTE format('CREATE FUNCTION "My Schema".%I(%s) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION ''planted function''; END $f$',
                       o.name, o.arguments);
    END LOOP;
END
$$;
CREATE DOMAIN "My Schema".decision AS text;
RESET search_path;
SELECT count(*) > 500 AS planted FROM pg_operator WHERE oprnamespace = '"My Schema"'::regnamespace;

-- rights that come by themselves
SET ROLE postgres;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO hostile_heir, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO hostile_heir;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO hostile_heir;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO hostile_heir;

-- a name that cannot be written into scripts is refused by Postgres
\set VERBOSITY sqlstate
CREATE EXTENSION owostack SCHEMA "Plans & ""Co""";
\set VERBOSITY terse
SELECT count(*) FROM pg_namespace WHERE nspname = 'owo';
CREATE EXTENSION owostack SCHEMA "My Schema";

-- what the extension's objects use is the system's or its own (what is built in has no such row): zero rows
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS object, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS uses
FROM pg_depend d
WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_cast'::regclass, 'pg_collation'::regclass)
  AND NOT EXISTS (SELECT FROM pg_depend e JOIN pg_extension x ON x.oid = e.refobjid AND x.extname = 'owostack'
                  WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
  AND (d.refclassid, d.refobjid) IN (
        SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = '"My Schema"'::regnamespace UNION ALL
        SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = '"My Schema"'::regnamespace UNION ALL
        SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = '"My Schema"'::regnamespace)
  AND NOT (d.classid IN ('pg_operator'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass))
ORDER BY 1, 2;

-- nobody but the owner holds a right on anything, whatever the defaults say: zero rows
CREATE TEMP VIEW held AS
SELECT pg_describe_object(o.classid, o.oid, 0) AS object, a.grantee::regrole AS grantee, a.privilege_type
FROM (SELECT 'pg_class'::regclass AS classid, oid, relowner AS owner, relacl AS acl FROM pg_class WHERE relnamespace = 'owo'::regnamespace UNION ALL
      SELECT 'pg_proc'::regclass, p.oid, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc p
      WHERE p.pronamespace = 'owo'::regnamespace OR p.proname LIKE 'owo\_%' UNION ALL
      SELECT 'pg_namespace'::regclass, oid, nspowner, nspacl FROM pg_namespace WHERE nspname = 'owo') AS o,
     LATERAL aclexplode(o.acl) AS a
WHERE a.grantee <> o.owner;
SELECT * FROM held ORDER BY 1, 2, 3;

-- the main job in a schema with an odd name, with what was planted in front of the path
SET search_path = "My Schema", pg_temp;
SELECT owo_grant_role('owo_admin', 'admin');
SELECT owo_grant_role('owo_app', 'app');
GRANT USAGE ON SCHEMA "My Schema" TO hostile_heir;
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "plans": [{"slug": "base", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 3}, {"slug": "seats", "limit": 1}, {"slug": "credits", "limit": 12}]},
            {"slug": "pro", "planGroup": "main", "price": 100, "currency": "USD", "features": [{"slug": "calls", "limit": 9}]}]}') -> 'success';
UPDATE owo.plan SET name = 'Basis' WHERE slug OPERATOR(pg_catalog.=) 'base';
SET ROLE owo_app;
SELECT key FROM owo_customer('acme', 'a@x.test');
SELECT code FROM owo_track('acme', 'calls', 2);
SELECT code FROM owo_track('acme', 'images', 2);
SELECT status FROM owo_entity_add('acme', 'seats', 'ada');
SELECT code FROM owo_attach('acme', 'pro');
CALL owo_checkout('acme', 'base');
SELECT feature, usage, balance FROM owo.balance_now ORDER BY 1;
SET ROLE owo_admin;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT customer, feature, quantity FROM owo.usage ORDER BY 2;
SELECT * FROM owo_verify();
SELECT topic, subject FROM owo.health WHERE topic NOT IN ('old_snapshot', 'worker');

-- the partition that the fold has made is nobody's either: zero rows
SET ROLE postgres;
RESET search_path;
SELECT * FROM held WHERE grantee NOT IN ('owo_admin'::regrole, 'owo_app'::regrole) ORDER BY 1, 2, 3;
SELECT count(*) > 0 AS partitions, bool_and(relrowsecurity) AS guarded FROM pg_class WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'owo.usage_event'::regclass);
SET ROLE hostile_heir;
\set VERBOSITY sqlstate
SELECT * FROM owo.plan;
SELECT "My Schema".owo_check('acme', 'calls');
SET ROLE postgres;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM hostile_heir, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM hostile_heir;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM hostile_heir;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM hostile_heir;
