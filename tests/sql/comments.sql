-- Every object of the extension says what it is: \dx+ and \df+ are documentation. All answers are zero rows.
SET ROLE postgres;

CREATE TEMP VIEW owned AS
SELECT d.classid, d.objid, o.type, o.identity
FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) AS o
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'owostack');

-- without a comment; types of rows and of arrays come by themselves, and since Postgres 17 belong to the extension too
SELECT type, identity FROM owned WHERE obj_description(objid, classid::regclass::name) IS NULL
    AND NOT (classid = 'pg_type'::regclass AND EXISTS (
        SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.oid = objid AND (c.relkind <> 'c' OR t.typcategory = 'A')))
ORDER BY 1, 2;
-- a comment is a lower-case phrase below 80 characters, without a full stop
SELECT type, identity, obj_description(objid, classid::regclass::name) AS comment
FROM owned WHERE obj_description(objid, classid::regclass::name) !~ '^[^A-Z.].{3,78}$' OR obj_description(objid, classid::regclass::name) ~ '\.$'
ORDER BY 1, 2;
-- settings without a description
SELECT name FROM pg_settings WHERE name LIKE 'owostack.%' AND coalesce(short_desc, '') = '';
-- public names are owo_ in the extension's schema; what is in the schema owo is a table, a view or private
SELECT p.oid::regprocedure AS misplaced
FROM owned o JOIN pg_proc p ON o.classid = 'pg_proc'::regclass AND p.oid = o.objid
WHERE (p.pronamespace = 'owo'::regnamespace) <> (p.proname LIKE '\_%') OR (p.pronamespace <> 'owo'::regnamespace AND p.proname NOT LIKE 'owo\_%')
ORDER BY 1;
-- constraints and indexes have names that say their table first
SELECT c.conrelid::regclass AS "table", c.conname FROM pg_constraint c JOIN owned o ON o.classid = 'pg_class'::regclass AND o.objid = c.conrelid
WHERE c.contype <> 'n' AND NOT starts_with(c.conname, (SELECT relname FROM pg_class WHERE oid = c.conrelid)) ORDER BY 1, 2;
