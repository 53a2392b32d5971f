-- Errors inside our statements, and calls inside calls: user, search path and counts are afterwards what they were.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE postgres;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}], "plans": [{"slug": "base", "autoEnable": true, "features": [
    {"slug": "calls", "limit": 30}, {"slug": "seats", "limit": 2}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
-- a trigger of a superuser on one of our tables fails for some customers, and calls us for others
CREATE TABLE public.heard (at serial, role text, path text, usage numeric);
GRANT ALL ON public.heard TO PUBLIC;
CREATE FUNCTION public.hear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.data ->> 'key' LIKE 'bad%' THEN
        RAISE EXCEPTION 'no' USING ERRCODE = 'P0042';
    END IF;
    INSERT INTO public.heard (role, path, usage) SELECT current_user, current_setting('search_path'), t.usage FROM public.owo_track('acme', 'calls') AS t;
    PERFORM public.owo_customer('made by the trigger') WHERE NEW.data ->> 'key' = 'good';
    RETURN NULL;
END
$$;
CREATE TRIGGER hear AFTER INSERT ON owo.event FOR EACH ROW WHEN (NEW.type = 'customer.created') EXECUTE FUNCTION public.hear();

RESET ROLE;
SET search_path = pg_temp, public;
CREATE FUNCTION pg_temp.standing() RETURNS text LANGUAGE sql AS
    $$ SELECT format('%s %s %s', current_user, session_user, current_setting('search_path')) $$;
SELECT pg_temp.standing() AS standing \gset
\set VERBOSITY terse
DO $$
BEGIN
    FOR n IN 1 .. 3 LOOP
        BEGIN
            PERFORM owo_customer('bad ' || n);
        EXCEPTION WHEN SQLSTATE 'P0042' THEN
            RAISE WARNING 'caught as % with path %', current_user, current_setting('search_path');
        END;
        PERFORM owo_track('acme', 'calls');
    END LOOP;
END
$$;
\set VERBOSITY sqlstate
SELECT pg_temp.standing() = :'standing' AS as_before;
BEGIN;
SELECT usage FROM owo_track('acme', 'calls');
SAVEPOINT a;
SELECT owo_customer('bad');
ROLLBACK TO a;
SELECT pg_temp.standing() = :'standing' AS as_before;
SELECT owo_sync('{}');
ROLLBACK TO a;
SELECT owo_entity_add('acme', 'seats', NULL);
ROLLBACK TO a;
SELECT owo_check('acme', 'none-such');
ROLLBACK TO a;
SELECT usage FROM owo_track('acme', 'calls');
SELECT pg_temp.standing() = :'standing' AS as_before;
COMMIT;
-- stopped in the middle: a lock that the statement waits for, and a statement that takes too long
SET statement_timeout = '1ms';
SELECT owo_track_batch((SELECT jsonb_agg(jsonb_build_object('customer', 'acme', 'feature', 'calls', 'value', 0.0001)) FROM generate_series(1, 3000)));
RESET statement_timeout;
SELECT pg_temp.standing() = :'standing' AS as_before;
SELECT usage FROM owo_check('acme', 'calls');

-- calls inside calls: the trigger runs as who owns the tables, and we are as before
SELECT key FROM owo_customer('good');
SELECT role, path, usage FROM public.heard ORDER BY at;
SELECT pg_temp.standing() = :'standing' AS as_before;
SELECT usage FROM owo_check('acme', 'calls');

-- our functions in the objects of users: a constraint, a default, a policy, a view, an index that may not
SET search_path = public;
SET ROLE owo_admin;
CREATE TABLE public.project (id int, customer text DEFAULT 'acme', quota numeric DEFAULT owo_limit('acme', 'calls'),
    CONSTRAINT project_is_allowed CHECK (owo_allowed(customer, 'seats')));
INSERT INTO project (id) VALUES (1) RETURNING quota;
INSERT INTO project VALUES (2, 'nobody');
CREATE INDEX ON project ((owo_allowed(customer, 'calls')));
ALTER TABLE project ENABLE ROW LEVEL SECURITY;
CREATE POLICY paying ON project USING (owo_allowed(customer, 'calls', 100)) WITH CHECK (owo_allowed(customer, 'calls', 1));
GRANT ALL ON project TO PUBLIC;
RESET ROLE;
SELECT count(*) FROM project;
INSERT INTO project (id) VALUES (3);
\copy project (id) FROM /dev/null
SET ROLE owo_nobody;
SELECT count(*) FROM project;
INSERT INTO project (id) VALUES (5);
SET ROLE postgres;
SELECT id FROM project ORDER BY 1;
-- a constraint that counts: once per row, and back with the statement
CREATE TABLE public.job (id int CHECK ((owo_track('acme', 'calls', 2)).allowed));
GRANT ALL ON job TO PUBLIC;
RESET ROLE;
INSERT INTO job VALUES (1), (2);
SELECT usage FROM owo_check('acme', 'calls');
INSERT INTO job SELECT generate_series(1, 20);
SELECT usage FROM owo_check('acme', 'calls');
COPY (SELECT code FROM owo_track('acme', 'calls')) TO stdout;

-- where nothing may be written, checks answer and tracks say so
BEGIN READ ONLY;
SELECT usage FROM owo_check('acme', 'calls');
SAVEPOINT a;
SELECT owo_track('acme', 'calls');
ROLLBACK TO a;
SELECT owo_entity_add('acme', 'seats', 'x');
ROLLBACK TO a;
SELECT owo_attach('acme', 'base');
ROLLBACK TO a;
SELECT feature, usage FROM owo.balance_now WHERE customer = 'acme' ORDER BY 1;
SELECT pg_current_xact_id_if_assigned() IS NULL AS nothing_written;
COMMIT;
SET default_transaction_read_only = on;
SELECT code FROM owo_check('acme', 'calls');
SELECT owo_track('acme', 'calls');
RESET default_transaction_read_only;

-- cursors and set-returning calls that are left half-way
BEGIN;
DECLARE half CURSOR FOR SELECT feature FROM owo_features('acme');
FETCH 1 FROM half;
CLOSE half;
SELECT feature FROM owo_features('acme') LIMIT 1;
SELECT (SELECT count(*) FROM owo_features(c.key)) FROM owo.customer c WHERE key = 'acme';
SELECT code FROM (SELECT (owo_track_batch('[{"customer": "acme", "feature": "calls"}, {"customer": "acme", "feature": "calls"}]')).*) AS t LIMIT 1;
COMMIT;
SELECT owo_features('acme') IS NULL;
SELECT CASE WHEN true THEN owo_features('acme') END;
SELECT * FROM owo_verify();
SET ROLE postgres;
SELECT * FROM owo_verify();
