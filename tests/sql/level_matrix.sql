-- Every function of the extension, called at every level: what a level may execute (the Postgres privilege) and what it may
-- do in an organization (the grant) are the same. Generated from pg_proc, so that a new function is asked too.
SET client_min_messages = warning;
SET ROLE postgres;
SELECT slug FROM owo_organization('north');
SELECT slug FROM owo_organization('south');

-- roles with one level in one organization, and roles that hold it beside admin in another: those have every privilege
CREATE TEMP TABLE level (name text, ordinal serial);
INSERT INTO level (name) VALUES ('none'), ('reader'), ('app'), ('webhook'), ('admin');
GRANT SELECT ON level TO PUBLIC;
DO $$
DECLARE
    l text;
BEGIN
    FOR l IN SELECT name FROM level LOOP
        EXECUTE format('CREATE ROLE matrix_%s; CREATE ROLE matrix_%s_and_north', l, l);
        PERFORM owo_grant_role(format('matrix_%s', l)::regrole, l, 'south'),
                owo_grant_role(format('matrix_%s_and_north', l)::regrole, 'admin', 'north'),
                owo_grant_role(format('matrix_%s_and_north', l)::regrole, l, 'south');
    END LOOP;
END
$$;
SET owostack.organization = 'south';
SELECT owo_sync('{"features": [{"slug": "x"}], "plans": [{"slug": "x", "features": [{"slug": "x", "limit": 3}]}]}') -> 'success';
SELECT key FROM owo_customer('x');

CREATE TEMP VIEW routine AS
SELECT p.oid, p.proname::text AS name, p.provolatile AS volatility,
       (SELECT coalesce(string_agg(
            CASE WHEN a.name IN ('slug', 'organization') THEN quote_literal('south')
                 WHEN a.name = 'level' THEN quote_literal('reader')
                 WHEN t.typname = 'text' THEN quote_literal('x')
                 WHEN t.typname IN ('jsonb', 'json') THEN quote_literal('{}')
                 WHEN t.typname = 'bool' THEN quote_literal('f')
                 WHEN t.typname IN ('int4', 'int8', 'numeric') THEN quote_literal('1')
                 WHEN t.typname = 'uuid' THEN quote_literal('00000000-0000-7000-8000-000000000001')
                 WHEN t.typname = 'timestamptz' THEN quote_literal('2027-01-01')
                 WHEN t.typname = 'interval' THEN quote_literal('1 minute')
                 WHEN t.typname = 'bytea' THEN quote_literal('x')
                 WHEN t.typname = 'regrole' THEN quote_literal('owo_nobody')
                 WHEN t.typname = 'regclass' THEN quote_literal('pg_temp.own')
                 ELSE 'NULL' END || '::' || format_type(t.oid, NULL), ', ' ORDER BY a.n), '')
          FROM unnest(p.proargtypes, p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a(type, name, n) JOIN pg_type t ON t.oid = a.type
         WHERE a.n <= p.pronargs - p.pronargdefaults) AS arguments
FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack'
WHERE p.proname LIKE 'owo\_%' AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype;
GRANT SELECT ON routine TO PUBLIC;
CREATE TEMP TABLE outcome (routine text, level text, sqlstate text, message text);
GRANT ALL ON outcome TO PUBLIC;

-- each call is rolled back
CREATE FUNCTION pg_temp.try(routine text, arguments text, level text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    state text := 'answers';
    message text;
BEGIN
    BEGIN
        EXECUTE format('SELECT * FROM %s(%s)', routine, arguments);
        RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
        IF sqlstate <> 'P0099' THEN
            state := sqlstate;
        END IF;
    END;
    INSERT INTO outcome VALUES (routine, level, state, message);
END
$$;
SELECT format('SET ROLE matrix_%s_and_north; CREATE TEMP TABLE own (id text, customer text); ', name)
       || format('SELECT count(pg_temp.try(name, arguments, %L)) > 20 AS tried FROM routine; DROP TABLE pg_temp.own; RESET ROLE; SET ROLE postgres', name)
FROM level ORDER BY ordinal \gexec

-- refused with 42501 where the level has no EXECUTE, and only there: zero rows (but for what needs every organization, and
-- for what looks at none: a version, a table of one's own)
SELECT o.routine, o.level, o.sqlstate, o.message, has_function_privilege('matrix_' || o.level, r.oid, 'EXECUTE') AS may_execute
FROM outcome o JOIN routine r ON r.name = o.routine
WHERE (o.sqlstate <> '42501') <> has_function_privilege('matrix_' || o.level, r.oid, 'EXECUTE')
  AND o.routine NOT IN ('owo_organization', 'owo_grant_role', 'owo_worker_tick', 'owo_verify', 'owo_version', 'owo_rate', 'owo_unenforce_table')
ORDER BY 1, 2;
SELECT DISTINCT o.routine, o.sqlstate FROM outcome o
WHERE o.routine IN ('owo_organization', 'owo_grant_role', 'owo_worker_tick', 'owo_verify', 'owo_version', 'owo_rate', 'owo_unenforce_table') ORDER BY 1, 2;
-- nothing else went wrong in a way that hides the answer: zero rows
SELECT * FROM outcome WHERE sqlstate IN ('22004', '42883', '42P01', '42601') OR sqlstate LIKE 'XX%' ORDER BY 1, 2;

-- a reader: what is STABLE or IMMUTABLE, and nothing else; an app that and more; an admin everything; zero rows each
SELECT name FROM routine WHERE has_function_privilege('matrix_reader', oid, 'EXECUTE') <> (volatility <> 'v') ORDER BY 1;
SELECT name FROM routine WHERE has_function_privilege('matrix_reader', oid, 'EXECUTE') AND NOT has_function_privilege('matrix_app', oid, 'EXECUTE') ORDER BY 1;
SELECT name FROM routine WHERE NOT has_function_privilege('matrix_admin', oid, 'EXECUTE') ORDER BY 1;
SELECT name FROM routine WHERE has_function_privilege('matrix_none', oid, 'EXECUTE') ORDER BY 1;
-- a webhook: the receipt of webhooks; zero rows
SELECT name FROM routine WHERE has_function_privilege('matrix_webhook', oid, 'EXECUTE') <> (name LIKE 'owo\_webhook%' AND name <> 'owo_webhook_replay') ORDER BY 1;

-- tables and views by level: s(elect), i(nsert), u(pdate), d(elete); never more, and nothing for webhook and none
SELECT c.relkind, l.name AS level, right_.held,
       CASE c.relkind WHEN 'v' THEN count(*) = (SELECT count(*) FROM pg_class v WHERE v.relnamespace = 'owo'::regnamespace AND v.relkind = 'v') END AS every_one
FROM pg_class c
CROSS JOIN level l
CROSS JOIN LATERAL (
    SELECT string_agg(p.letter, '' ORDER BY p.n) AS held
    FROM unnest('{s,i,u,d,X,X,X}'::text[], '{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) WITH ORDINALITY AS p(letter, privilege, n)
    WHERE has_table_privilege('matrix_' || l.name, c.oid, p.privilege)) AS right_
WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND right_.held IS NOT NULL
  AND (c.relkind = 'v' OR right_.held <> 's')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT DISTINCT c.relname FROM pg_class c CROSS JOIN level l
WHERE c.relnamespace = 'owo'::regnamespace AND has_table_privilege('matrix_' || l.name, c.oid, 'INSERT, UPDATE, DELETE') ORDER BY 1;
-- whoever may read a table meets row security in it, and views have no rights of their own: zero rows
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity ORDER BY 1;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p')
  AND has_table_privilege('matrix_admin', c.oid, 'SELECT') AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) ORDER BY 1;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind = 'v' AND NOT 'security_invoker=true' = ANY (coalesce(c.reloptions, '{}')) ORDER BY 1;
-- what views and policies call may be executed by who may read them: zero rows
SELECT DISTINCT p.oid::regprocedure AS not_for_readers
FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass) AND p.proname ~ '^_|^owo_' AND NOT has_function_privilege('matrix_reader', p.oid, 'EXECUTE') ORDER BY 1;
-- for the owner alone
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
  AND NOT has_table_privilege('matrix_admin', c.oid, 'SELECT') ORDER BY 1;
-- sequences and columns give nothing either: zero rows
SELECT c.relname, l.name FROM pg_class c CROSS JOIN level l WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind = 'S'
  AND has_sequence_privilege('matrix_' || l.name, c.oid, 'USAGE, SELECT, UPDATE');
SELECT attrelid::regclass, attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'owo'::regnamespace AND a.attacl IS NOT NULL;
