-- Every function that takes an id or a name, called in organization "north" with every id and name of "south": nothing of
-- south comes back, nothing of it changes. Generated from pg_proc and from the rows, so that new ones are tried too.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT slug FROM owo_organization('north');
SELECT slug FROM owo_organization('south');
CREATE ROLE thief_admin;
SELECT owo_grant_role('thief_admin', 'admin', 'north');
CREATE FUNCTION pg_temp.fill(organization text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    customer text := 'key of ' || organization;
BEGIN
    PERFORM set_config('owostack.organization', organization, true);
    PERFORM owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}],
              "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
              "creditPacks": [{"slug": "pack", "name": "Pack", "credits": 5, "price": 1, "currency": "USD", "creditSystem": "credits"}],
              "plans": [{"slug": "base", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 900}, {"slug": "seats", "limit": 30}, {"slug": "credits", "limit": 50}]},
                        {"slug": "pro", "planGroup": "main", "price": 100, "currency": "USD", "features": [{"slug": "calls", "limit": 90}]}]}');
    PERFORM owo_customer(customer, organization || '@x.test', 'Name of ' || organization, '{"secret": true}');
    PERFORM owo_track(customer, 'calls', 2, metadata => '{"secret": true}', idempotency_key => 'key ' || organization),
            owo_reserve(customer, 'calls', 3),
            owo_entity_add(customer, 'seats', 'seat of ' || organization),
            owo_identity_link(customer, 'stripe', 'cus_' || organization),
            owo_override(customer, 'calls', usage_limit => 20),
            owo_credit_grant(customer, 'credits', 5),
            owo_addon(customer, 'pack'),
            owo_attach(customer, 'pro');
END
$$;
SELECT pg_temp.fill('north');
SELECT pg_temp.fill('south');

-- all rows of south, and all ids in them
CREATE TABLE public.row_of_south (moment text, relation text, row text);
CREATE TABLE public.id_of_south (id uuid);
GRANT SELECT ON public.id_of_south TO thief_admin;
CREATE FUNCTION pg_temp.note(at_moment text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    target record;
    south text := (SELECT id::text FROM owo.organization WHERE slug = 'south');
    customer text := (SELECT id::text FROM owo.customer WHERE key = 'key of south' AND organization_id <> (SELECT id FROM owo.organization WHERE slug = 'north'));
BEGIN
    FOR target IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('INSERT INTO public.row_of_south SELECT %1$L, %2$L, r::text FROM %2$s AS r CROSS JOIN LATERAL to_jsonb(r) AS j
                         WHERE j ->> ''organization_id'' = %3$L OR j ->> ''customer_id'' = %4$L OR j ->> ''id'' = %4$L',
                       at_moment, target.name, south, customer);
    END LOOP;
    RETURN (SELECT count(*) FROM public.row_of_south WHERE moment = at_moment);
END
$$;
SELECT owo_worker_tick() IS NOT NULL;
SELECT pg_temp.note('before') > 30 AS rows_of_south;
INSERT INTO public.id_of_south
SELECT DISTINCT m[1]::uuid FROM public.row_of_south, regexp_matches(row, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') AS m;
DELETE FROM public.id_of_south WHERE id = '00000000-0000-0000-0000-000000000000';
SELECT count(*) > 20 AS ids_of_south FROM public.id_of_south;

CREATE TABLE public.attempt (routine text, call text, answer text, sqlstate text);
GRANT INSERT ON public.attempt TO thief_admin;
CREATE FUNCTION pg_temp.try(routine text, call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    state text := 'answers';
BEGIN
    BEGIN
        EXECUTE format('SELECT string_agg(t::text, '' '') FROM %s AS t', call) INTO answer;
    EXCEPTION WHEN OTHERS THEN
        state := sqlstate;
        GET STACKED DIAGNOSTICS answer = MESSAGE_TEXT;
    END;
    INSERT INTO public.attempt VALUES (routine, call, answer, state);
END
$$;
SET ROLE thief_admin;
SET owostack.organization = 'north';
-- ids where ids are asked for, in each place of each function, the rest filled with what north has
WITH argument AS (
    SELECT p.proname::text AS routine, a.n, a.name, format_type(a.type, NULL) AS type, p.pronargs, p.pronargdefaults,
           CASE WHEN a.name = 'customer' THEN '''key of north''' WHEN a.name = 'feature' THEN '''calls''' WHEN a.name IN ('plan', 'slug') THEN '''base'''
                WHEN a.name = 'credit_system' THEN '''credits''' WHEN a.name = 'pack' THEN '''pack''' WHEN a.name = 'provider' THEN '''manual'''
                WHEN format_type(a.type, NULL) = 'text' THEN '''x''' WHEN format_type(a.type, NULL) = 'boolean' THEN 'true' WHEN format_type(a.type, NULL) IN ('numeric', 'bigint', 'integer') THEN '1'
                WHEN format_type(a.type, NULL) = 'jsonb' THEN '''{}''' ELSE 'NULL' END AS filler
    FROM pg_proc p
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack'
    CROSS JOIN unnest(p.proargtypes, p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a(type, name, n)
    WHERE p.proname LIKE 'owo\_%' AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
      AND p.proname NOT IN ('owo_clock_set', 'owo_clock_advance', 'owo_grant_role')
), place AS (
    SELECT routine, n FROM argument
    WHERE type = 'uuid' OR name IN ('customer', 'key', 'entity', 'external_id', 'idempotency_key', 'email', 'slug', 'plan', 'feature')
), call AS (
    SELECT p.routine, v.value,
           (SELECT string_agg(format('%I => %s', a.name, CASE WHEN a.n = p.n THEN quote_literal(v.value) ELSE a.filler END || '::' || a.type), ', ' ORDER BY a.n)
              FROM argument a WHERE a.routine = p.routine AND (a.n = p.n OR a.n <= a.pronargs - a.pronargdefaults)) AS arguments
    FROM place p JOIN argument a ON a.routine = p.routine AND a.n = p.n
    CROSS JOIN LATERAL (
        SELECT id::text AS value FROM public.id_of_south
        UNION ALL
        SELECT text FROM unnest('{key of south,south@x.test,seat of south,cus_south,key south,south}'::text[]) AS text WHERE a.type = 'text') AS v
)
SELECT count(pg_temp.try(routine, format('%s(%s)', routine, arguments))) > 1000 AS attempts FROM call;
SET ROLE postgres;
-- no answer tells anything of south, beyond what was asked: zero rows
SELECT routine, call, answer FROM public.attempt
WHERE (answer LIKE '%secret%' OR answer LIKE '%Name of south%' OR answer LIKE '%cus_south%' AND call NOT LIKE '%cus_south%' OR answer LIKE '%south@%' AND call NOT LIKE '%south@%'
       OR answer LIKE '%key of south%' AND call NOT LIKE '%key of south%')
  AND NOT (answer LIKE '%key of north%' AND answer NOT LIKE '%south%') ORDER BY 1, 2 LIMIT 20;
SELECT routine, call, answer, sqlstate FROM public.attempt WHERE sqlstate LIKE 'XX%' ORDER BY 1, 2 LIMIT 20;
-- and south is as it was: zero rows
SELECT pg_temp.note('after') > 30 AS rows_of_south;
(SELECT relation, row FROM public.row_of_south WHERE moment = 'before' EXCEPT SELECT relation, row FROM public.row_of_south WHERE moment = 'after')
UNION ALL (SELECT relation, row FROM public.row_of_south WHERE moment = 'after' EXCEPT SELECT relation, row FROM public.row_of_south WHERE moment = 'before')
ORDER BY 1, 2 LIMIT 20;
-- many calls got an answer, in north
SELECT count(DISTINCT routine) > 15 AS answered FROM public.attempt WHERE sqlstate = 'answers';
