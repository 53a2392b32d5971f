-- What plain SQL changes of a catalog is told like what owo_sync changes: once for each transaction and
-- organization. owo_sync tells by itself what its own statements change.

CREATE FUNCTION owo._catalog_changed(organization_id uuid, relation text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_catalog_changed_wrapper';
COMMENT ON FUNCTION owo._catalog_changed(uuid, text)
    IS 'tells that a statement has changed a catalog';

-- When a row was changed is no change.
CREATE FUNCTION owo._catalog_tell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT owo._watches(TG_RELID) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM owo._catalog_changed(changed.organization_id, TG_TABLE_NAME)
           FROM (SELECT DISTINCT n.organization_id FROM rows_after AS n) AS changed;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM owo._catalog_changed(changed.organization_id, TG_TABLE_NAME)
           FROM (SELECT DISTINCT o.organization_id FROM rows_before AS o) AS changed;
    ELSE
        PERFORM owo._catalog_changed(changed.organization_id, TG_TABLE_NAME)
           FROM (SELECT DISTINCT x.organization_id
                   FROM (SELECT n.organization_id, to_jsonb(n) - 'updated_at' AS content
                           FROM rows_after AS n
                         EXCEPT
                         SELECT o.organization_id, to_jsonb(o) - 'updated_at'
                           FROM rows_before AS o) AS x) AS changed;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION owo._catalog_tell() IS 'tells which catalogs a statement has changed';
