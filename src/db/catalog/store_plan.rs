//! Stores the plans that a sync changes, with their cycles and entries.

use super::store::{Store, parts};
use crate::backend::spi::Statement;
use crate::error::Result;
use owostack_domain::catalog::{Catalog, Changes, Row};
use serde_json::Value;

static PLANS: Statement = Statement::new(
    "INSERT INTO owo.plan AS t
            (organization_id, slug, name, description, price_amount, currency, billing_interval,
             billing_type, plan_group, rank, trial_days, trial_card_required, auto_enable,
             is_addon, provider, on_expire, metadata, active, source)
     SELECT $1, r.slug, r.name, r.description, r.price_amount, r.currency, r.billing_interval,
            r.billing_type, r.plan_group, r.rank, r.trial_days, r.trial_card_required,
            r.auto_enable, r.is_addon, r.provider, r.on_expire, r.metadata,
            coalesce(r.active, p.active, true), 'code'
       FROM jsonb_to_recordset($2) AS r (slug text, name text, description text,
            price_amount bigint, currency text, billing_interval text, billing_type text,
            plan_group text, rank integer, trial_days integer, trial_card_required boolean,
            auto_enable boolean, is_addon boolean, provider text, on_expire text,
            metadata jsonb, active boolean)
       LEFT JOIN owo.plan AS p ON p.organization_id = $1 AND p.slug = r.slug
     ON CONFLICT (organization_id, slug) DO UPDATE
        SET name = excluded.name, description = excluded.description,
            price_amount = excluded.price_amount, currency = excluded.currency,
            billing_interval = excluded.billing_interval, billing_type = excluded.billing_type,
            plan_group = excluded.plan_group, rank = excluded.rank,
            trial_days = excluded.trial_days, trial_card_required = excluded.trial_card_required,
            auto_enable = excluded.auto_enable, is_addon = excluded.is_addon,
            provider = excluded.provider, on_expire = excluded.on_expire,
            metadata = excluded.metadata, active = excluded.active, source = excluded.source",
);
static MARK: Statement = Statement::new(
    "UPDATE owo.plan SET source = 'code'
      WHERE organization_id = $1 AND slug = ANY ($2) AND source <> 'code'",
);
static DROP_CYCLES: Statement = Statement::new(
    "DELETE FROM owo.plan_cycle AS t
      USING owo.plan AS p
      WHERE p.organization_id = $1 AND p.slug = ANY ($2) AND t.plan_id = p.id
        AND (p.slug, t.key) NOT IN (
            SELECT r.plan, r.key FROM jsonb_to_recordset($3) AS r (plan text, key text))",
);
static CYCLES: Statement = Statement::new(
    "INSERT INTO owo.plan_cycle AS t
            (plan_id, key, price_amount, currency, billing_interval, interval_count, external_id)
     SELECT p.id, r.key, r.price_amount, r.currency, r.billing_interval, r.interval_count,
            r.external_id
       FROM jsonb_to_recordset($2) AS r (plan text, key text, price_amount bigint, currency text,
            billing_interval text, interval_count integer, external_id text)
       JOIN owo.plan AS p ON p.organization_id = $1 AND p.slug = r.plan
     ON CONFLICT (plan_id, key) DO UPDATE
        SET price_amount = excluded.price_amount, currency = excluded.currency,
            billing_interval = excluded.billing_interval,
            interval_count = excluded.interval_count, external_id = excluded.external_id",
);
static DROP_ENTRIES: Statement = Statement::new(
    "DELETE FROM owo.plan_feature AS t
      USING owo.plan AS p
      WHERE p.organization_id = $1 AND p.slug = ANY ($2) AND t.plan_id = p.id
        AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset($3) AS r (plan text, slug text)
              LEFT JOIN owo.feature AS f ON f.organization_id = $1 AND f.slug = r.slug
              LEFT JOIN owo.credit_system AS s ON s.organization_id = $1 AND s.slug = r.slug
             WHERE r.plan = p.slug AND (t.feature_id = f.id OR t.credit_system_id = s.id))",
);
static ENTRIES: Statement = Statement::new(
    "INSERT INTO owo.plan_feature AS t
            (plan_id, feature_id, credit_system_id, enabled, value, limit_amount, trial_limit,
             scope, reset_interval, reset_anchor, reset_on_enable, rollover, rollover_limit,
             rollover_expires_after, usage_model, rating_model, price_per_unit, billing_units,
             tiers, overage, overage_price, overage_limit, credit_cost)
     SELECT p.id, f.id, s.id, r.enabled, r.value, r.limit_amount, r.trial_limit,
            r.scope, r.reset_interval, r.reset_anchor, r.reset_on_enable, r.rollover,
            r.rollover_limit, r.rollover_expires_after, r.usage_model, r.rating_model,
            r.price_per_unit, r.billing_units, r.tiers, r.overage, r.overage_price,
            r.overage_limit, r.credit_cost
       FROM jsonb_to_recordset($2) AS r (plan text, slug text, enabled boolean, value jsonb,
            limit_amount numeric, trial_limit numeric, scope text, reset_interval text,
            reset_anchor text, reset_on_enable boolean, rollover boolean, rollover_limit numeric,
            rollover_expires_after text, usage_model text, rating_model text,
            price_per_unit numeric, billing_units numeric, tiers jsonb, overage text,
            overage_price numeric, overage_limit numeric, credit_cost numeric)
       JOIN owo.plan AS p ON p.organization_id = $1 AND p.slug = r.plan
       LEFT JOIN owo.feature AS f ON f.organization_id = $1 AND f.slug = r.slug
       LEFT JOIN owo.credit_system AS s ON s.organization_id = $1 AND s.slug = r.slug
     ON CONFLICT (plan_id, feature_id, credit_system_id) DO UPDATE
        SET enabled = excluded.enabled, value = excluded.value,
            limit_amount = excluded.limit_amount, trial_limit = excluded.trial_limit,
            scope = excluded.scope, reset_interval = excluded.reset_interval,
            reset_anchor = excluded.reset_anchor, reset_on_enable = excluded.reset_on_enable,
            rollover = excluded.rollover, rollover_limit = excluded.rollover_limit,
            rollover_expires_after = excluded.rollover_expires_after,
            usage_model = excluded.usage_model, rating_model = excluded.rating_model,
            price_per_unit = excluded.price_per_unit, billing_units = excluded.billing_units,
            tiers = excluded.tiers, overage = excluded.overage,
            overage_price = excluded.overage_price, overage_limit = excluded.overage_limit,
            credit_cost = excluded.credit_cost",
);

/// Writes the plans that differ; their entries and cycles become those of the document.
///
/// # Errors
/// As `spi::run`.
pub(super) fn plans(store: &Store, wanted: &Catalog, changes: &Changes) -> Result<()> {
    let changed = wanted
        .plans
        .iter()
        .filter(|plan| changes.concerns(&plan.slug));
    let (mut rows, mut cycles, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for plan in changed {
        rows.push(Value::Object(Row::Plan(plan.clone()).columns()));
        cycles.extend(
            plan.cycles
                .iter()
                .map(|cycle| parts("plan", &plan.slug, Row::PlanCycle(cycle.clone()).columns())),
        );
        entries.extend(plan.features.iter().map(|entry| {
            parts(
                "plan",
                &plan.slug,
                Row::PlanFeature(entry.clone()).columns(),
            )
        }));
    }
    store.run(&PLANS, rows)?;
    store.mark(&MARK, changes)?;
    store.replace(&DROP_CYCLES, changes, cycles.clone())?;
    store.run(&CYCLES, cycles)?;
    store.replace(&DROP_ENTRIES, changes, entries.clone())?;
    store.run(&ENTRIES, entries)
}
