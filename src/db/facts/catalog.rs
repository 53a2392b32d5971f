//! Catalog rows as the domain's facts: features, credit systems, plans and what they include.

use super::customer::cadence;
use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{
    CreditSystem, Feature, FeatureType, Plan, PlanCycle, PlanFeature, PlanFeaturePast, ResetAnchor,
    Scope, Subject,
};
use owostack_domain::interval::Reset;
use owostack_domain::quantity::Quantity;
use owostack_domain::span::{Span, parse_span};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

fn feature_row(row: &Row) -> Result<Feature> {
    Ok(Feature {
        id: row.get(0)?,
        slug: row.get(1)?,
        feature_type: match row.get::<String>(2)?.as_str() {
            "boolean" => FeatureType::Boolean,
            "entity" => FeatureType::Entity,
            "static" => FeatureType::Static,
            _ => FeatureType::Metered,
        },
        default_value: row.get(3)?,
        free_at_period_end: row.get(4)?,
    })
}

/// Every feature of an organization.
pub fn features(snapshot: &Snapshot, organization_id: Uuid) -> Result<Vec<Feature>> {
    static FEATURES: Statement = Statement::new(
        "SELECT id, slug, type, default_value, free_at = 'period_end'
           FROM owo.feature WHERE organization_id = $1 ORDER BY slug",
    );
    spi::read(
        snapshot,
        &FEATURES,
        arguments![organization_id],
        feature_row,
    )
}

/// The feature with that slug.
pub fn feature(snapshot: &Snapshot, organization_id: Uuid, slug: &str) -> Result<Option<Feature>> {
    static FEATURE: Statement = Statement::new(
        "SELECT id, slug, type, default_value, free_at = 'period_end'
           FROM owo.feature WHERE organization_id = $1 AND slug = $2",
    );
    Ok(spi::read(
        snapshot,
        &FEATURE,
        arguments![organization_id, slug],
        feature_row,
    )?
    .pop())
}

/// A feature and the credit systems that price it.
pub fn feature_with_systems(
    snapshot: &Snapshot,
    id: Uuid,
) -> Result<(Vec<Feature>, Vec<CreditSystem>)> {
    static FEATURE: Statement = Statement::new(
        "SELECT id, slug, type, default_value, free_at = 'period_end'
           FROM owo.feature WHERE id = $1",
    );
    static SYSTEMS: Statement = Statement::new(
        "SELECT s.id, s.slug, c.feature_id, c.credit_cost
           FROM owo.credit_system AS s
           JOIN owo.credit_system_feature AS c ON c.credit_system_id = s.id
          WHERE c.feature_id = $1",
    );
    let features = spi::read(snapshot, &FEATURE, arguments![id], feature_row)?;
    let costs = spi::read(snapshot, &SYSTEMS, arguments![id], cost_row)?;
    Ok((features, gather(costs)))
}

/// Every credit system of an organization.
pub fn systems(snapshot: &Snapshot, organization_id: Uuid) -> Result<Vec<CreditSystem>> {
    static SYSTEMS: Statement = Statement::new(
        "SELECT s.id, s.slug, c.feature_id, c.credit_cost
           FROM owo.credit_system AS s
           LEFT JOIN owo.credit_system_feature AS c ON c.credit_system_id = s.id
          WHERE s.organization_id = $1",
    );
    Ok(gather(spi::read(
        snapshot,
        &SYSTEMS,
        arguments![organization_id],
        cost_row,
    )?))
}

type Cost = (Uuid, String, Option<Uuid>, Option<Quantity>);

fn cost_row(row: &Row) -> Result<Cost> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn gather(costs: Vec<Cost>) -> Vec<CreditSystem> {
    let mut systems: BTreeMap<Uuid, CreditSystem> = BTreeMap::new();
    for (id, slug, feature_id, cost) in costs {
        let system = systems.entry(id).or_insert_with(|| CreditSystem {
            id,
            slug,
            costs: BTreeMap::new(),
        });
        if let (Some(feature_id), Some(cost)) = (feature_id, cost) {
            system.costs.insert(feature_id, cost);
        }
    }
    systems.into_values().collect()
}

/// The given plans, those that follow them, and the auto-enable plans of the organization.
pub fn plans(snapshot: &Snapshot, organization_id: Uuid, ids: Vec<Uuid>) -> Result<Vec<Plan>> {
    static PLANS: Statement = Statement::look_up(
        "SELECT p.id, p.slug, coalesce(g.id, p.id), coalesce(g.exclusive, true), p.rank,
                p.price_amount, p.currency, p.billing_interval, p.billing_type = 'one_time',
                p.trial_days, p.trial_card_required, p.auto_enable, p.is_addon, p.active, f.id
           FROM owo.plan AS p
           LEFT JOIN owo.plan_group AS g
             ON g.organization_id = p.organization_id AND g.slug = p.plan_group
           LEFT JOIN owo.plan AS f
             ON f.organization_id = p.organization_id AND f.slug = p.on_expire
          WHERE p.organization_id = $1
            AND (p.id = ANY ($2) OR p.auto_enable
                 OR p.slug IN (SELECT q.on_expire FROM owo.plan AS q WHERE q.id = ANY ($2)))",
    );
    let mut plans = spi::read(snapshot, &PLANS, arguments![organization_id, ids], plan_row)?;
    let mut cycles = cycles(snapshot, plans.iter().map(|plan| plan.id).collect())?;
    for plan in &mut plans {
        plan.cycles = cycles.remove(&plan.id).unwrap_or_default();
    }
    Ok(plans)
}

/// The plan with that slug, and the plans that may follow it.
pub fn plan_by_slug(
    snapshot: &Snapshot,
    organization_id: Uuid,
    slug: &str,
) -> Result<Option<Uuid>> {
    static PLAN: Statement =
        Statement::new("SELECT id FROM owo.plan WHERE organization_id = $1 AND slug = $2");
    Ok(
        spi::read(snapshot, &PLAN, arguments![organization_id, slug], |row| {
            row.get(0)
        })?
        .pop(),
    )
}

/// The payment provider that a plan names.
///
/// # Errors
/// As `spi::read`.
pub fn plan_provider(snapshot: &Snapshot, id: Uuid) -> Result<Option<String>> {
    static PROVIDER: Statement = Statement::new("SELECT provider FROM owo.plan WHERE id = $1");
    let rows = spi::read(snapshot, &PROVIDER, arguments![id], |row| row.get(0))?;
    Ok(rows.into_iter().next().flatten())
}

fn plan_row(row: &Row) -> Result<Plan> {
    Ok(Plan {
        id: row.get(0)?,
        slug: row.get(1)?,
        group_id: row.get(2)?,
        exclusive: row.get(3)?,
        rank: row.get(4)?,
        price: row.get(5)?,
        currency: row.get(6)?,
        cadence: cadence(&row.get::<String>(7)?, 1)?,
        one_time: row.get(8)?,
        trial_days: row.get(9)?,
        trial_card_required: row.get(10)?,
        auto_enable: row.get(11)?,
        is_addon: row.get(12)?,
        active: row.get(13)?,
        on_expire: row.get(14)?,
        cycles: Vec::new(),
    })
}

fn cycles(snapshot: &Snapshot, plan_ids: Vec<Uuid>) -> Result<BTreeMap<Uuid, Vec<PlanCycle>>> {
    static CYCLES: Statement = Statement::look_up(
        "SELECT plan_id, key, price_amount, currency, billing_interval, interval_count, external_id
           FROM owo.plan_cycle WHERE plan_id = ANY ($1) ORDER BY plan_id, key",
    );
    let rows = spi::read(snapshot, &CYCLES, arguments![plan_ids], |row| {
        Ok((
            row.get::<Uuid>(0)?,
            PlanCycle {
                key: row.get(1)?,
                price: row.get(2)?,
                currency: row.get(3)?,
                cadence: cadence(&row.get::<String>(4)?, row.get(5)?)?,
                external_id: row.get(6)?,
            },
        ))
    })?;
    let mut cycles: BTreeMap<Uuid, Vec<PlanCycle>> = BTreeMap::new();
    for (plan_id, cycle) in rows {
        cycles.entry(plan_id).or_default().push(cycle);
    }
    Ok(cycles)
}

/// What the plans include of those features and credit systems.
pub fn plan_features(
    snapshot: &Snapshot,
    plan_ids: Vec<Uuid>,
    subjects: Vec<Uuid>,
) -> Result<Vec<PlanFeature>> {
    static PLAN_FEATURES: Statement = Statement::look_up(
        "SELECT id, plan_id, feature_id, credit_system_id, enabled, value, limit_amount,
                trial_limit, scope = 'entity', reset_interval, reset_anchor = 'calendar',
                reset_on_enable, rollover, rollover_limit, rollover_expires_after,
                usage_model = 'usage_based', overage = 'charge', overage_limit, credit_cost,
                -- nothing where units have no price at all
                CASE WHEN usage_model = 'included' AND overage = 'block' AND tiers IS NULL
                          AND overage_price IS NULL AND price_per_unit = 0
                     THEN '{}'
                     ELSE jsonb_strip_nulls(jsonb_build_object(
                            'usage_model', usage_model, 'rating_model', rating_model,
                            'price_per_unit', trim_scale(price_per_unit),
                            'billing_units', trim_scale(billing_units),
                            'overage', overage, 'overage_price', trim_scale(overage_price),
                            'max_overage_units', trim_scale(overage_limit)))
                          || CASE WHEN tiers IS NULL THEN '{}'
                                  ELSE jsonb_build_object('tiers', tiers) END
                END,
                created_at
           FROM owo.plan_feature
          WHERE plan_id = ANY ($1)
            AND (feature_id = ANY ($2) OR credit_system_id = ANY ($2))",
    );
    let mut rows = spi::read(
        snapshot,
        &PLAN_FEATURES,
        arguments![plan_ids, subjects],
        plan_feature_row,
    )?;
    let ids = rows.iter().map(|row| row.id).collect();
    let mut history = history(snapshot, ids)?;
    for row in &mut rows {
        row.history = history.remove(&row.id).unwrap_or_default();
    }
    Ok(rows)
}

fn plan_feature_row(row: &Row) -> Result<PlanFeature> {
    let subject = match (row.get::<Option<Uuid>>(2)?, row.get::<Option<Uuid>>(3)?) {
        (Some(feature), _) => Subject::Feature(feature),
        (None, Some(system)) => Subject::CreditSystem(system),
        (None, None) => return Err(Error::internal("a plan feature without subject")),
    };
    Ok(PlanFeature {
        id: row.get(0)?,
        plan_id: row.get(1)?,
        subject,
        enabled: row.get(4)?,
        value: row.get(5)?,
        limit: row.get(6)?,
        trial_limit: row.get(7)?,
        scope: if row.get(8)? {
            Scope::Entity
        } else {
            Scope::Customer
        },
        reset: reset(&row.get::<String>(9)?)?,
        reset_anchor: reset_anchor(row.get(10)?),
        reset_on_enable: row.get(11)?,
        rollover: row.get(12)?,
        rollover_limit: row.get(13)?,
        rollover_expires_after: span(row.get(14)?)?,
        usage_based: row.get(15)?,
        overage_charged: row.get(16)?,
        overage_limit: row.get(17)?,
        credit_cost: row.get(18)?,
        pricing: row.get::<Value>(19)?,
        created_at: row.get::<DateTime<Utc>>(20)?,
        history: Vec::new(),
    })
}

fn reset(text: &str) -> Result<Reset> {
    Reset::parse(text).map_err(|_| Error::internal(format!("reset interval \"{text}\"")))
}

fn reset_anchor(calendar: bool) -> ResetAnchor {
    if calendar {
        ResetAnchor::Calendar
    } else {
        ResetAnchor::Billing
    }
}

fn span(text: Option<String>) -> Result<Option<Span>> {
    let parse =
        |text: String| parse_span(&text).map_err(|_| Error::internal(format!("span \"{text}\"")));
    text.map(parse).transpose()
}

fn history(
    snapshot: &Snapshot,
    plan_feature_ids: Vec<Uuid>,
) -> Result<BTreeMap<Uuid, Vec<PlanFeaturePast>>> {
    static HISTORY: Statement = Statement::look_up(
        "SELECT plan_feature_id, valid_until, limit_amount, reset_interval,
                reset_anchor = 'calendar', rollover, rollover_limit
           FROM owo.plan_feature_history
          WHERE plan_feature_id = ANY ($1)
          ORDER BY plan_feature_id, valid_until",
    );
    let rows = spi::read(snapshot, &HISTORY, arguments![plan_feature_ids], |row| {
        Ok((
            row.get::<Uuid>(0)?,
            PlanFeaturePast {
                valid_until: row.get(1)?,
                limit: row.get(2)?,
                reset: reset(&row.get::<String>(3)?)?,
                reset_anchor: reset_anchor(row.get(4)?),
                rollover: row.get(5)?,
                rollover_limit: row.get(6)?,
            },
        ))
    })?;
    let mut history: BTreeMap<Uuid, Vec<PlanFeaturePast>> = BTreeMap::new();
    for (id, past) in rows {
        history.entry(id).or_default().push(past);
    }
    Ok(history)
}

/// The slug of a feature; its id as text when the row is gone.
pub fn feature_slug(snapshot: &Snapshot, id: Uuid) -> Result<String> {
    let (features, _) = feature_with_systems(snapshot, id)?;
    Ok(features
        .into_iter()
        .next()
        .map_or_else(|| id.to_string(), |feature| feature.slug))
}
