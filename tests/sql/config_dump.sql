-- What users write is in their dumps. All answers are zero rows.
SET ROLE postgres;

-- tables and sequences that pg_dump would leave out, but for the two that bind a database to itself
-- (a partitioned parent has no rows of its own; its partitions are made later and dumped like any table)
SELECT c.oid::regclass AS not_dumped
FROM pg_class c
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'owostack'
WHERE c.relkind IN ('r', 'S') AND c.oid <> ALL (coalesce(e.extconfig, '{}'))
  AND c.oid::regclass::text NOT IN ('owo.installation', 'owo.provider_binding')
ORDER BY 1;
-- dumped, but bound to this database
SELECT c::regclass AS must_not_be_dumped FROM pg_extension e, unnest(e.extconfig) AS c
WHERE e.extname = 'owostack' AND c::regclass::text IN ('owo.installation', 'owo.provider_binding');
-- dumped in part: rows would be lost
SELECT c::regclass AS filtered, f FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS x(c, f) WHERE e.extname = 'owostack' AND f <> '';
-- installing wrote rows into a dumped table: a restore would fail on the duplicate
DROP EXTENSION owostack CASCADE;
SET client_min_messages = warning;
CREATE EXTENSION owostack;
CREATE FUNCTION pg_temp.row_count(target regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', target) INTO result;
    RETURN result;
END
$$;
SELECT c::regclass AS filled FROM pg_extension e, unnest(e.extconfig) AS c JOIN pg_class r ON r.oid = c
WHERE e.extname = 'owostack' AND r.relkind IN ('r', 'p') AND pg_temp.row_count(c::regclass) > 0;
-- circular foreign keys between dumped tables: a data-only restore could not order them
WITH RECURSIVE reference AS (
    SELECT DISTINCT conrelid AS source, confrelid AS target FROM pg_constraint
    WHERE contype = 'f' AND conrelid <> confrelid AND connamespace = 'owo'::regnamespace
), walk AS (
    SELECT source, target FROM reference
    UNION
    SELECT w.source, r.target FROM walk w JOIN reference r ON r.source = w.target
)
SELECT source::regclass AS in_a_circle FROM walk WHERE source = target ORDER BY 1;
