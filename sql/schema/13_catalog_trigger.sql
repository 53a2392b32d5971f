-- Which rule watches which table, and who sees which rows.

DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY[
        'feature', 'credit_system', 'credit_system_feature', 'credit_pack', 'plan_group',
        'plan_group_feature', 'plan', 'plan_cycle', 'plan_feature']
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_begin BEFORE INSERT OR UPDATE OR DELETE ON owo.%1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION owo._catalog_begin()', relation);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_row BEFORE INSERT OR UPDATE ON owo.%1$I
                 FOR EACH ROW EXECUTE FUNCTION owo.%2$I()',
            relation,
            CASE WHEN relation IN ('credit_system_feature', 'plan_group_feature', 'plan_cycle',
                                   'plan_feature')
                 THEN '_catalog_part' ELSE '_catalog_row' END);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_tell_insert AFTER INSERT ON owo.%1$I
                 REFERENCING NEW TABLE AS rows_after
                 FOR EACH STATEMENT EXECUTE FUNCTION owo._catalog_tell()', relation);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_tell_update AFTER UPDATE ON owo.%1$I
                 REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after
                 FOR EACH STATEMENT EXECUTE FUNCTION owo._catalog_tell()', relation);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER %1$s_tell_delete AFTER DELETE ON owo.%1$I
                 REFERENCING OLD TABLE AS rows_before
                 FOR EACH STATEMENT EXECUTE FUNCTION owo._catalog_tell()', relation);
        EXECUTE pg_catalog.format('ALTER TABLE owo.%1$I ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE pg_catalog.format(
            'CREATE POLICY %1$s_reader ON owo.%1$I FOR SELECT
                 USING (organization_id IN (SELECT owo._organizations(''reader'')))', relation);
        EXECUTE pg_catalog.format(
            'CREATE POLICY %1$s_admin ON owo.%1$I
                 USING (organization_id IN (SELECT owo._organizations(''admin'')))', relation);
    END LOOP;
END
$$;

ALTER TABLE owo.plan_feature_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY plan_feature_history_reader ON owo.plan_feature_history FOR SELECT
    USING (organization_id IN (SELECT owo._organizations('reader')));

CREATE CONSTRAINT TRIGGER feature_slug_is_free AFTER INSERT OR UPDATE OF slug ON owo.feature
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION owo._catalog_slug();
CREATE CONSTRAINT TRIGGER credit_system_slug_is_free
    AFTER INSERT OR UPDATE OF slug ON owo.credit_system
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION owo._catalog_slug();
CREATE CONSTRAINT TRIGGER plan_group_fits AFTER INSERT OR UPDATE ON owo.plan_group
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION owo._judge_plan_group();
CREATE CONSTRAINT TRIGGER plan_fits AFTER INSERT OR UPDATE OR DELETE ON owo.plan
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION owo._judge_plan();

CREATE TRIGGER plan_feature_keep AFTER UPDATE OR DELETE ON owo.plan_feature
    FOR EACH ROW EXECUTE FUNCTION owo._keep_plan_feature();
