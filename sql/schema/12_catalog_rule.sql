-- Rules of the catalog that a constraint cannot say, so that plain SQL and owo_sync mean the same.
-- Order within a statement: lock the organization's catalog, normalise and judge each row by the
-- library's own reader, then judge what needs other rows. Those last triggers can be deferred, for
-- edits that take several statements. All of them rest while the database is not bound (restore).
-- Not hot: SECURITY DEFINER with a fixed path is affordable here. No role may execute these functions
-- (to fire a trigger takes no right), and each asks first whether the table is ours: else columns and
-- types of another's table would be evaluated with the owner's rights.

CREATE FUNCTION owo._catalog_lock(organization_id uuid) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_catalog_lock_wrapper';
COMMENT ON FUNCTION owo._catalog_lock(uuid)
    IS 'one transaction at a time edits the catalog of an organization';

CREATE FUNCTION owo._catalog_columns(relation text, columns jsonb) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', '_catalog_columns_wrapper';
COMMENT ON FUNCTION owo._catalog_columns(text, jsonb)
    IS 'a row of a catalog table in its normal form; raises its mistakes';

-- Before the first row is locked, so that two editors queue instead of deadlocking. With the rights
-- of who edits: nobody waits for, or holds up, a catalog that is not his.
CREATE FUNCTION owo._catalog_begin() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '_catalog_begin_wrapper';
COMMENT ON FUNCTION owo._catalog_begin() IS 'locks the session''s catalog before a statement';

-- Usage, subscriptions and overrides of one organization refer to a row by its id.
CREATE FUNCTION owo._judge_identity(row_after jsonb, row_before jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF row_after -> 'id' IS DISTINCT FROM row_before -> 'id'
       OR row_after -> 'organization_id' IS DISTINCT FROM row_before -> 'organization_id' THEN
        RAISE EXCEPTION 'a row of the catalog keeps its id and its organization'
            USING ERRCODE = 'check_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION owo._judge_identity(jsonb, jsonb)
    IS 'refuses another id or organization for a catalog row';

-- Features, credit systems, packs, groups and plans.
CREATE FUNCTION owo._catalog_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns jsonb;
BEGIN
    IF NOT owo._watches(TG_RELID) THEN
        RETURN NEW;
    END IF;
    columns := to_jsonb(NEW);
    IF TG_OP = 'UPDATE' THEN
        PERFORM owo._judge_identity(columns, to_jsonb(OLD));
    END IF;
    IF TG_TABLE_NAME = 'credit_pack' THEN
        columns := columns || jsonb_build_object('credit_system', NEW.credit_system_id);
    ELSIF TG_TABLE_NAME = 'feature' AND TG_OP = 'UPDATE' THEN
        IF NEW.type <> OLD.type THEN
            RAISE EXCEPTION 'feature "%" is % and cannot become %', OLD.slug, OLD.type, NEW.type
                USING ERRCODE = 'check_violation',
                      HINT = 'Delete the feature, or use another slug.';
        END IF;
    END IF;
    NEW := jsonb_populate_record(NEW, owo._catalog_columns(TG_TABLE_NAME, columns));
    NEW.updated_at := owo._now(NEW.organization_id);
    IF TG_OP = 'INSERT' THEN
        NEW.created_at := NEW.updated_at;
    END IF;
    IF TG_TABLE_NAME = 'plan' THEN
        INSERT INTO owo.plan_group (organization_id, slug, name, source)
        SELECT NEW.organization_id, NEW.plan_group, NEW.plan_group, NEW.source
         WHERE NEW.plan_group IS NOT NULL
           AND NOT EXISTS (SELECT FROM owo.plan_group AS g
                            WHERE g.organization_id = NEW.organization_id
                              AND g.slug = NEW.plan_group);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION owo._catalog_row() IS 'brings a catalog row into its normal form';

-- Rows that hang on another: they belong to its organization.
CREATE FUNCTION owo._catalog_part() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns jsonb;
    parent record;
    subject_slug text;
    subject_type text;
BEGIN
    IF NOT owo._watches(TG_RELID) THEN
        RETURN NEW;
    END IF;
    columns := to_jsonb(NEW);
    CASE TG_TABLE_NAME
    WHEN 'credit_system_feature' THEN
        SELECT s.organization_id INTO parent
          FROM owo.credit_system AS s WHERE s.id = NEW.credit_system_id;
    WHEN 'plan_group_feature' THEN
        SELECT g.organization_id INTO parent FROM owo.plan_group AS g WHERE g.id = NEW.plan_group_id;
    ELSE
        SELECT p.organization_id, p.currency INTO parent FROM owo.plan AS p WHERE p.id = NEW.plan_id;
    END CASE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'what this row of % belongs to does not exist', TG_RELID::regclass
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    NEW.organization_id := parent.organization_id;
    IF TG_OP = 'UPDATE' THEN
        PERFORM owo._judge_identity(to_jsonb(NEW), to_jsonb(OLD));
    END IF;
    IF TG_TABLE_NAME = 'plan_cycle' THEN
        NEW.currency := coalesce(NEW.currency, parent.currency);
        columns := columns || jsonb_build_object('currency', NEW.currency);
    ELSE
        -- A feature of another organization is no feature, until a foreign key refuses it.
        SELECT f.slug, f.type INTO subject_slug, subject_type FROM owo.feature AS f
         WHERE f.id = NEW.feature_id AND f.organization_id = NEW.organization_id;
    END IF;
    IF TG_TABLE_NAME = 'plan_feature' THEN
        columns := columns || jsonb_build_object(
            'slug', coalesce(subject_slug, 'credits'), 'feature_type', subject_type);
        IF TG_OP = 'INSERT' THEN
            NEW.created_at := owo._now(NEW.organization_id);
        END IF;
    ELSIF TG_TABLE_NAME = 'credit_system_feature' AND subject_type <> 'metered' THEN
        RAISE EXCEPTION 'feature "%" is % and not metered', subject_slug, subject_type
            USING ERRCODE = 'check_violation';
    END IF;
    IF TG_TABLE_NAME IN ('plan_cycle', 'plan_feature') THEN
        NEW := jsonb_populate_record(NEW, owo._catalog_columns(TG_TABLE_NAME, columns));
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION owo._catalog_part() IS 'brings a dependent catalog row into its normal form';

-- A slug names a feature or a credit system, never both: plans refer to either by slug.
CREATE FUNCTION owo._catalog_slug() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT owo._watches(TG_RELID) THEN
        RETURN NULL;
    END IF;
    PERFORM owo._catalog_lock(NEW.organization_id);
    IF EXISTS (SELECT FROM owo.feature AS f
                 JOIN owo.credit_system AS s
                   ON s.organization_id = f.organization_id AND s.slug = f.slug
                WHERE f.organization_id = NEW.organization_id AND f.slug = NEW.slug) THEN
        RAISE EXCEPTION 'slug "%" names both a feature and a credit system', NEW.slug
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION owo._catalog_slug() IS 'refuses a slug that names a feature and a system';

-- At most one plan of an exclusive group may enable itself: a customer has one base plan there.
CREATE FUNCTION owo._judge_auto_enable(organization uuid, group_slug text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    slugs text;
BEGIN
    SELECT string_agg(format('"%s"', p.slug), ', ' ORDER BY p.slug) INTO slugs
      FROM owo.plan AS p
      JOIN owo.plan_group AS g ON g.organization_id = p.organization_id AND g.slug = p.plan_group
     WHERE p.organization_id = organization AND p.plan_group = group_slug
       AND g.exclusive AND p.auto_enable AND p.active AND NOT p.is_addon
    HAVING count(*) > 1;
    IF slugs IS NOT NULL THEN
        RAISE EXCEPTION 'plans % all enable themselves in the exclusive group "%"',
            slugs, group_slug
            USING ERRCODE = 'check_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION owo._judge_auto_enable(uuid, text)
    IS 'refuses two plans that enable themselves in an exclusive group';

-- Deferred, a row may have changed again: what is judged is the row as it is now.
CREATE FUNCTION owo._judge_plan() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plan owo.plan;
    other text;
BEGIN
    IF NOT owo._watches(TG_RELID) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM owo._catalog_lock(OLD.organization_id);
        SELECT p.slug INTO other FROM owo.plan AS p
         WHERE p.organization_id = OLD.organization_id AND p.on_expire = OLD.slug
           AND NOT EXISTS (SELECT FROM owo.plan AS q
                            WHERE q.organization_id = OLD.organization_id AND q.slug = OLD.slug);
        IF FOUND THEN
            RAISE EXCEPTION 'plan "%" is followed by plan "%"', other, OLD.slug
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    SELECT * INTO plan FROM owo.plan AS p WHERE TG_OP <> 'DELETE' AND p.id = NEW.id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM owo._catalog_lock(plan.organization_id);
    IF plan.on_expire IS NOT NULL
       AND NOT EXISTS (SELECT FROM owo.plan AS p
                        WHERE p.organization_id = plan.organization_id
                          AND p.slug = plan.on_expire) THEN
        RAISE EXCEPTION 'plan "%" does not exist', plan.on_expire
            USING ERRCODE = 'foreign_key_violation',
                  DETAIL = format('Plan "%s" names it as on_expire.', plan.slug);
    END IF;
    PERFORM owo._judge_auto_enable(plan.organization_id, plan.plan_group);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION owo._judge_plan() IS 'judges a plan by the plans around it';

CREATE FUNCTION owo._judge_plan_group() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF owo._watches(TG_RELID) THEN
        PERFORM owo._catalog_lock(NEW.organization_id);
        PERFORM owo._judge_auto_enable(NEW.organization_id, NEW.slug);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION owo._judge_plan_group() IS 'judges a plan group by its plans';

-- Keeps what an edit replaces. Of several edits at one time of the clock the first has the values
-- that were in force; before the first customer nobody was granted anything.
CREATE FUNCTION owo._keep_plan_feature() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT owo._watches(TG_RELID) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND (
        NEW.limit_amount, NEW.reset_interval, NEW.reset_anchor, NEW.rollover, NEW.rollover_limit,
        NEW.rollover_expires_after, NEW.scope
    ) IS NOT DISTINCT FROM (
        OLD.limit_amount, OLD.reset_interval, OLD.reset_anchor, OLD.rollover, OLD.rollover_limit,
        OLD.rollover_expires_after, OLD.scope
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO owo.plan_feature_history (
        organization_id, plan_feature_id, plan_id, feature_id, credit_system_id, valid_until,
        limit_amount, reset_interval, reset_anchor, rollover, rollover_limit,
        rollover_expires_after, scope)
    SELECT OLD.organization_id, OLD.id, OLD.plan_id, OLD.feature_id, OLD.credit_system_id,
           owo._now(OLD.organization_id),
           OLD.limit_amount, OLD.reset_interval, OLD.reset_anchor, OLD.rollover,
           OLD.rollover_limit, OLD.rollover_expires_after, OLD.scope
     WHERE EXISTS (SELECT FROM owo.customer AS c WHERE c.organization_id = OLD.organization_id)
    ON CONFLICT (plan_feature_id, valid_until) DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION owo._keep_plan_feature() IS 'keeps the values of a plan feature that change';
