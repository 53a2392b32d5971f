-- A feature that is paid from a pool of credits gives back what it drew of it itself, never what others drew: by calls, in batches, by
-- deleted rows, after a fold and after a switch.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT slug FROM owo_organization('lab', 'Lab', 'sandbox');
SET owostack.organization = 'lab';
SELECT owo_clock_set('2027-01-10 00:00+00');
SELECT owo_sync('{
  "features": [{"slug": "images"}, {"slug": "words"}, {"slug": "free"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}, {"feature": "words", "creditCost": 0.5}, {"feature": "free", "creditCost": 0}]}],
  "plans": [
    {"slug": "base", "planGroup": "main", "autoEnable": true, "features": [{"slug": "credits", "limit": 100}]},
    {"slug": "pro", "planGroup": "main", "price": 2000, "currency": "USD", "features": [{"slug": "credits", "limit": 500}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT (owo_credit_grant('acme', 'credits', 50)).amount;

-- words never drew anything
SELECT code, usage, balance FROM owo_track('acme', 'images', 22);
SELECT owo_track('acme', 'words', -1);
SELECT code, usage, balance FROM owo_track('acme', 'words', 10);
SELECT owo_track('acme', 'words', -10.1);
SELECT code, usage, balance FROM owo_track('acme', 'words', -4);
SELECT owo_track('acme', 'words', -6.5);
-- what costs nothing is given back as far as it was used
SELECT code FROM owo_track('acme', 'free', 3);
SELECT owo_track('acme', 'free', -4);
SELECT code FROM owo_track('acme', 'free', -3);
SELECT owo_track('acme', 'free', -1);
-- the caller's own calls count, also before they are committed
BEGIN;
SELECT code FROM owo_track('acme', 'words', 2);
SAVEPOINT wrong;
SELECT owo_track('acme', 'words', -9);
ROLLBACK TO wrong;
SELECT code FROM owo_track('acme', 'words', -8);
ROLLBACK;
-- held units are nobody's to give back
SELECT (decision).allowed FROM owo_reserve('acme', 'words', 8);
SELECT owo_track('acme', 'words', -7);
SELECT code FROM owo_release((SELECT id FROM owo.reservation WHERE status = 'open'));

-- in a batch: what was drawn before counts, and an error takes all of it back
SELECT owo_track_batch('[{"customer": "acme", "feature": "words", "value": 4}, {"customer": "acme", "feature": "words", "value": -11}]');
SELECT code FROM owo_track_batch('[{"customer": "acme", "feature": "words", "value": 4}, {"customer": "acme", "feature": "words", "value": -10}, {"customer": "acme", "feature": "words", "value": 6}]');

-- folding changes no answer
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT owo_track('acme', 'words', -6.5);
SELECT code FROM owo_track('acme', 'words', -2);
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT owo_track('acme', 'words', -4.5);

-- deleted rows give back what is left of it, and no more
SET ROLE postgres;
CREATE TABLE text_job (id int PRIMARY KEY, org text, cost numeric);
INSERT INTO text_job VALUES (-1, 'acme', 40);
CREATE TRIGGER spend AFTER INSERT OR UPDATE OR DELETE ON text_job
    FOR EACH ROW EXECUTE FUNCTION owo_enforce('feature=words', 'customer=org', 'value=cost', 'returns=true', 'organization=lab');
SELECT usage FROM owo_check('acme', 'images', 0);
INSERT INTO text_job VALUES (1, 'acme', 6);
DELETE FROM text_job WHERE id = 1;
SELECT feature, sum(quantity) FROM owo.usage WHERE customer = 'acme' GROUP BY feature ORDER BY feature;
DELETE FROM text_job WHERE id = -1;
SELECT feature, sum(quantity) FROM owo.usage WHERE customer = 'acme' GROUP BY feature ORDER BY feature;
SELECT usage FROM owo_check('acme', 'images', 0);
SET ROLE owo_admin;

-- a switch carries what each feature drew
SELECT code FROM owo_track('acme', 'words', 20);
SELECT owo_clock_set('2027-01-20 00:00+00');
SELECT status FROM owo_checkout_complete((SELECT checkout_id FROM owo_attach('acme', 'pro')));
SELECT usage, usage_limit FROM owo_check('acme', 'words', 0);
SELECT owo_track('acme', 'words', -20.5);
SELECT owo_track('acme', 'free', -1);
SELECT code, usage FROM owo_track('acme', 'images', -21);
SELECT owo_track('acme', 'images', -2);
SELECT code, usage FROM owo_track('acme', 'images', -1);
SELECT code FROM owo_track('acme', 'words', -20);
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();

-- after a change of cost too no more units come back than were used, and no more credits than were drawn
SELECT key FROM owo_customer('zeta');
SELECT usage, balance FROM owo_track('zeta', 'words', 3);
SELECT owo_sync('{"creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}, {"feature": "words", "creditCost": 0.25}, {"feature": "free", "creditCost": 0}]}]}') -> 'success';
SELECT owo_track('zeta', 'words', -4);
SELECT code, balance FROM owo_track('zeta', 'words', -3);
SELECT owo_track('zeta', 'words', -1);
SELECT usage, balance FROM owo_track('zeta', 'words', 4);
SELECT owo_sync('{"creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}, {"feature": "words", "creditCost": 1}, {"feature": "free", "creditCost": 0}]}]}') -> 'success';
SELECT owo_track('zeta', 'words', -4);
SELECT code FROM owo_track('zeta', 'words', -1);
SELECT feature, sum(quantity) FROM owo.usage WHERE customer = 'zeta' GROUP BY feature;
SELECT owo_worker_tick() IS NOT NULL AS ticked;
SELECT * FROM owo_verify();
