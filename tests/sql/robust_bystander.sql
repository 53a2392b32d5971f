-- What else a database may have: a publication of all tables, event triggers, a role with settings of its own, tables that
-- refer to ours. None of it stops the extension, and none of it is stopped.
\set VERBOSITY sqlstate
SET client_min_messages = error;
SET ROLE postgres;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE TABLE public.ddl (at serial PRIMARY KEY, role text, tag text, what text);
GRANT ALL ON public.ddl, public.ddl_at_seq TO PUBLIC;
GRANT CREATE ON SCHEMA public TO owo_app;
CREATE FUNCTION public.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.ddl (role, tag, what) SELECT current_user, command_tag, object_identity FROM pg_event_trigger_ddl_commands();
END
$$;
CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION public.note_ddl();
-- a table whose rows could not be identified would refuse UPDATE and DELETE now: zero rows
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace = 'owo'::regnamespace AND c.relkind = 'r' AND c.relreplident = 'd'
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) ORDER BY 1;

SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "plans": [{"slug": "base", "planGroup": "main", "autoEnable": true, "features": [{"slug": "calls", "limit": 30}, {"slug": "seats", "limit": 3}, {"slug": "credits", "limit": 50}]},
            {"slug": "pro", "planGroup": "main", "price": 100, "currency": "USD", "features": [{"slug": "calls", "limit": 90}]}]}') -> 'success';
UPDATE owo.plan_feature SET limit_amount = 31 WHERE limit_amount = 30;
DELETE FROM owo.plan_feature WHERE limit_amount = 90;
RESET ROLE;
SELECT key FROM owo_customer('acme', 'a@x.test');
SELECT code FROM owo_track('acme', 'calls', 2, idempotency_key => 'k');
SELECT status FROM owo_entity_add('acme', 'seats', 'a');
SELECT status FROM owo_entity_remove('acme', 'seats', 'a');
SELECT code FROM owo_attach('acme', 'pro');
CREATE TABLE public.room (id int PRIMARY KEY, org text);
SELECT owo_enforce_table('public.room', 'seats', 'org', 'id');
INSERT INTO public.room VALUES (1, 'acme'), (2, 'acme');
DELETE FROM public.room WHERE id = 1;
SET ROLE owo_admin;
-- the background worker, where there is one, may be at it first
DO $$
BEGIN
    LOOP
        EXIT WHEN owo_worker_tick() ->> 'fold_skipped' IS NULL;
    END LOOP;
END
$$;
SELECT status FROM owo_cancel('acme', 'base', at_period_end => false);
SELECT owo_customer_delete('acme');
SELECT owo_grant_role('owo_nobody', 'reader');
SELECT owo_grant_role('owo_nobody', 'none');
SELECT * FROM owo_verify();
SET ROLE postgres;
SELECT tag, regexp_replace(what, '\d{4}_\d{2}', 'YYYY_MM') AS what FROM public.ddl WHERE tag IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TRIGGER') ORDER BY 1, 2;
SELECT DISTINCT role FROM public.ddl WHERE what LIKE 'owo.usage_event%';

-- tables that refer to ours, and are emptied with them
CREATE TABLE public.invoice_note (customer_id uuid PRIMARY KEY REFERENCES owo.customer (id) ON DELETE CASCADE, note text);
RESET ROLE;
SELECT key FROM owo_customer('beta');
SET ROLE postgres;
INSERT INTO public.invoice_note SELECT id, 'x' FROM owo.customer WHERE key = 'beta';
RESET ROLE;
SELECT owo_customer_delete('beta');
SET ROLE postgres;
SELECT count(*) FROM public.invoice_note;

-- a role with settings of its own
CREATE ROLE bystander LOGIN IN ROLE owo_app;
ALTER ROLE bystander SET search_path = nowhere;
ALTER ROLE bystander SET owostack.organization = 'default';
ALTER ROLE bystander SET default_transaction_isolation = 'repeatable read';
\c - bystander
SHOW search_path;
SELECT key FROM public.owo_customer('gamma');
SELECT code FROM public.owo_track('gamma', 'calls', 1);
SELECT code FROM public.owo_check('gamma', 'calls');
\c - postgres
SET ROLE postgres;
DROP EVENT TRIGGER note_ddl;
DROP ROLE bystander;
