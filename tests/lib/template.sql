-- The database that every story and server test starts from: the extension, and one role per level.
-- Run once as superuser.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE owo_admin LOGIN;
CREATE ROLE owo_app LOGIN;
CREATE ROLE owo_reader LOGIN;
CREATE ROLE owo_nobody LOGIN;
CREATE EXTENSION owostack;
SELECT owo_grant_role('owo_admin', 'admin');
SELECT owo_grant_role('owo_app', 'app');
SELECT owo_grant_role('owo_reader', 'reader');
GRANT CREATE ON SCHEMA public TO owo_admin, owo_app;
