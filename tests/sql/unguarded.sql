-- What pg_restore --disable-triggers leaves behind (protocol 17 and 25): our triggers serve ordinary sessions only, and health says so.
\set VERBOSITY sqlstate
SET ROLE postgres;
SELECT owo_sync('{"features": [{"slug": "seats", "type": "entity"}], "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "seats", "limit": 2}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT count FROM owo_entity_add('acme', 'seats', 'ada');
SELECT * FROM owo.health WHERE topic = 'unguarded';
ALTER TABLE owo.entity DISABLE TRIGGER ALL;
SELECT subject, message FROM owo.health WHERE topic = 'unguarded';
ALTER TABLE owo.entity ENABLE TRIGGER ALL;
SELECT subject, message, hint FROM owo.health WHERE topic = 'unguarded';
SET session_replication_role = replica;
DELETE FROM owo.entity;
SELECT count(*) FROM owo.entity;
RESET session_replication_role;
SELECT entity FROM owo_entity_add('acme', 'seats', 'bob');
-- the hint is the cure
SELECT split_part(substr(hint, 5), ';', 1) AS cure FROM owo.health WHERE topic = 'unguarded' \gset
:cure;
SELECT * FROM owo.health WHERE topic = 'unguarded';
SET session_replication_role = replica;
DELETE FROM owo.entity;
-- a reader sees it too
RESET session_replication_role;
ALTER TABLE owo.customer ENABLE TRIGGER ALL;
SET ROLE owo_reader;
SELECT subject FROM owo.health WHERE topic = 'unguarded';
