-- What is cached in memory is made stale by these triggers, so that plain SQL edits count too
-- (protocol 25). ENABLE ALWAYS: apply workers of logical replication skip ordinary triggers.

CREATE FUNCTION owo._note() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_note_wrapper';
COMMENT ON FUNCTION owo._note() IS 'notes what a changed row belongs to, for caches';

DO $$
DECLARE
    watched record;
BEGIN
    FOR watched IN
        SELECT * FROM (VALUES
            ('role_grant', 'all', 'id'),
            ('installation', 'all', 'database_oid'),
            ('organization', 'organization', 'id'),
            ('feature', 'organization', 'organization_id'),
            ('credit_system', 'organization', 'organization_id'),
            ('credit_system_feature', 'organization', 'organization_id'),
            ('plan_group', 'organization', 'organization_id'),
            ('plan', 'organization', 'organization_id'),
            ('plan_cycle', 'organization', 'organization_id'),
            ('plan_feature', 'organization', 'organization_id'),
            ('plan_feature_history', 'organization', 'organization_id'),
            ('customer', 'customer', 'id'),
            ('subscription', 'customer', 'customer_id'),
            ('plan_change', 'customer', 'customer_id'),
            ('override', 'customer', 'customer_id'),
            ('credit_grant', 'customer', 'customer_id'),
            ('payment_method', 'customer', 'customer_id'),
            ('entity', 'customer', 'customer_id')) AS list (relation, belongs, id_column)
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_note AFTER INSERT OR UPDATE OR DELETE ON owo.%1$I
                 FOR EACH ROW EXECUTE FUNCTION owo._note(%2$L, %3$L)',
            watched.relation, watched.belongs, watched.id_column);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_note_truncate AFTER TRUNCATE ON owo.%1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION owo._note()', watched.relation);
        EXECUTE pg_catalog.format(
            'ALTER TABLE owo.%1$I ENABLE ALWAYS TRIGGER %1$s_note', watched.relation);
        EXECUTE pg_catalog.format(
            'ALTER TABLE owo.%1$I ENABLE ALWAYS TRIGGER %1$s_note_truncate', watched.relation);
    END LOOP;
END
$$;
