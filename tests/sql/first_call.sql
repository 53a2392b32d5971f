-- A call that fails binds nothing, also when it is the first that writes; the next one in the session does.
\set VERBOSITY sqlstate
SET ROLE postgres;
CREATE VIEW bound AS
    SELECT count(*) FROM owo.installation AS i JOIN pg_database AS d ON d.oid = i.database_oid
     WHERE d.datname = current_database();
SELECT * FROM bound;
SELECT owo_provider_set('paypal', '{}');
SELECT * FROM bound;
SELECT owo_sync('{}') -> 'success' AS success;
SELECT * FROM bound;
