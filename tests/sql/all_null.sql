-- Every function with every argument NULL: an answer, or an error that says so; never an internal error.
SET ROLE owo_admin;
SET client_min_messages = warning;
CREATE TEMP TABLE outcome (function text, sqlstate text);

CREATE FUNCTION pg_temp.call_with_nulls() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target record;
    code text;
BEGIN
    FOR target IN
        SELECT p.proname::text AS name, p.oid::regproc::text AS function,
               (SELECT coalesce(string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n), '')
                FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n)) AS arguments
        FROM pg_proc p
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        WHERE p.proname LIKE 'owo\_%' AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
        ORDER BY 1
    LOOP
        BEGIN
            EXECUTE format('SELECT %s(%s)', target.function, target.arguments);
            code := 'answers';
        EXCEPTION WHEN OTHERS THEN
            code := sqlstate;
        END;
        INSERT INTO outcome VALUES (target.name, code);
    END LOOP;
END
$$;

SELECT pg_temp.call_with_nulls();

-- internal errors: none
SELECT function, sqlstate FROM outcome WHERE sqlstate LIKE 'XX%' ORDER BY 1;
-- neither an answer nor "NULL not allowed" (22004): each has its reason
SELECT function, sqlstate FROM outcome WHERE sqlstate NOT IN ('answers', '22004') ORDER BY 1;
-- what a NULL customer is to reads: nobody
SELECT count(*) FROM owo_sync('{"features": [{"slug": "calls"}]}');
SELECT allowed, code FROM owo_check(NULL, 'calls');
SELECT count(*) > 20 AS functions_were_found FROM outcome;
