//! Rows of the catalog tables, as objects keyed by column: read, judged and written like documents.
//!
//! The triggers on the tables read a row through here, so plain SQL meets the rules of `parse` and
//! is normalised as a document is; `db/` loads and stores rows in the same form. References by
//! slug are taken as they stand: whether they lead anywhere is the tables' matter.

use super::problem::Notes;
use super::read;
use super::text::words;
use super::{
    CreditPack, CreditSystem, Cycle, Feature, FeatureType, Known, KnownPlan, Plan, PlanFeature,
    PlanGroup, Problem,
};
use serde_json::{Map, Value, json};

words! {
    /// A table of the catalog whose rows have rules of their own.
    Table {
        Feature = "feature",
        CreditSystem = "credit_system",
        CreditPack = "credit_pack",
        PlanGroup = "plan_group",
        Plan = "plan",
        PlanCycle = "plan_cycle",
        PlanFeature = "plan_feature",
    }
}

/// What a row says, without the rows that hang on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    Feature(Feature),
    CreditSystem(CreditSystem),
    CreditPack(CreditPack),
    PlanGroup(PlanGroup),
    Plan(Plan),
    PlanCycle(Cycle),
    PlanFeature(PlanFeature),
}

/// Columns whose name is not the key of the document in snake_case.
const RENAMED: [(Table, &str, &str); 10] = [
    (Table::Feature, "default_value", "default"),
    (Table::CreditPack, "price_amount", "price"),
    (Table::Plan, "price_amount", "price"),
    (Table::Plan, "billing_interval", "interval"),
    (Table::PlanCycle, "price_amount", "price"),
    (Table::PlanCycle, "billing_interval", "interval"),
    (Table::PlanFeature, "limit_amount", "limit"),
    (Table::PlanFeature, "reset_interval", "reset"),
    (Table::PlanFeature, "rollover_limit", "max_rollover"),
    (Table::PlanFeature, "overage_limit", "max_overage_units"),
];

/// Reads a row by its columns; columns without a key in the document are passed over.
///
/// A credit pack carries its system's slug as `credit_system`, a plan feature its `slug` and, for a
/// feature, its `feature_type`.
///
/// # Errors
/// Every mistake, its path being the column.
pub fn read_row(table: Table, columns: &Map<String, Value>) -> Result<Row, Vec<Problem>> {
    let mut object = Map::new();
    for (column, value) in columns {
        object.insert(key_of(table, column).to_owned(), value.clone());
    }
    let known = known(table, columns);
    let notes = Notes::default();
    let row = read::row(table, &Value::Object(object), &known, &notes);
    let row = notes.settle(row).map(|(row, _)| row).map_err(|problems| {
        let columns = problems.into_iter().map(|problem| Problem {
            path: column_of(table, &problem.path).to_owned(),
            ..problem
        });
        columns.collect::<Vec<Problem>>()
    })?;
    row.ok_or_else(Vec::new)
}

fn key_of(table: Table, column: &str) -> &str {
    let renamed = RENAMED
        .iter()
        .find(|(of, from, _)| *of == table && *from == column);
    renamed.map_or(column, |(_, _, key)| key)
}

fn column_of(table: Table, path: &str) -> String {
    let (key, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
    let renamed = RENAMED
        .iter()
        .find(|(of, _, to)| *of == table && *to == key);
    format!("{}{rest}", renamed.map_or(key, |(_, column, _)| column))
}

/// The references of a row, taken as they stand.
fn known(table: Table, columns: &Map<String, Value>) -> Known {
    let text = |column: &str| {
        columns
            .get(column)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let mut known = Known::default();
    match table {
        Table::CreditPack => known.credit_systems.extend(text("credit_system")),
        Table::Plan => {
            let next = text("on_expire").map(|slug| (slug, KnownPlan::default()));
            known.plans.extend(next);
        }
        Table::PlanFeature => {
            let judged = text("feature_type").and_then(|word| FeatureType::parse(&word));
            match (text("slug"), judged) {
                (Some(slug), Some(feature_type)) => {
                    known.features.insert(slug, feature_type);
                }
                (slug, _) => known.credit_systems.extend(slug),
            }
        }
        Table::Feature | Table::CreditSystem | Table::PlanGroup | Table::PlanCycle => {}
    }
    known
}

impl Row {
    /// Every column that the row has a say in.
    pub fn columns(&self) -> Map<String, Value> {
        let columns = match self {
            Self::Feature(feature) => feature_columns(feature),
            Self::CreditSystem(system) => json!({
                "slug": system.slug,
                "name": system.name,
                "description": system.description,
            }),
            Self::CreditPack(pack) => credit_pack_columns(pack),
            Self::PlanGroup(group) => json!({
                "slug": group.slug,
                "name": group.name,
                "exclusive": group.exclusive,
            }),
            Self::Plan(plan) => plan_columns(plan),
            Self::PlanCycle(cycle) => cycle_columns(cycle),
            Self::PlanFeature(entry) => plan_feature_columns(entry),
        };
        match columns {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

fn feature_columns(feature: &Feature) -> Value {
    json!({
        "slug": feature.slug,
        "type": feature.feature_type.as_str(),
        "name": feature.name,
        "unit": feature.unit,
        "default_value": feature.default_value,
        "free_at": feature.free_at.as_str(),
    })
}

fn credit_pack_columns(pack: &CreditPack) -> Value {
    json!({
        "slug": pack.slug,
        "name": pack.name,
        "description": pack.description,
        "credits": pack.credits,
        "price_amount": pack.price,
        "currency": pack.currency,
        "credit_system": pack.credit_system,
        "provider": pack.provider,
        "expires_after": pack.expires_after.map(|span| span.to_string()),
        "metadata": pack.metadata,
        "active": pack.active,
    })
}

fn plan_columns(plan: &Plan) -> Value {
    json!({
        "slug": plan.slug,
        "name": plan.name,
        "description": plan.description,
        "price_amount": plan.price,
        "currency": plan.currency,
        "billing_interval": plan.interval.as_str(),
        "billing_type": plan.billing_type.as_str(),
        "plan_group": plan.plan_group,
        "rank": plan.rank,
        "trial_days": plan.trial_days,
        "trial_card_required": plan.trial_card_required,
        "auto_enable": plan.auto_enable,
        "is_addon": plan.is_addon,
        "provider": plan.provider,
        "on_expire": plan.on_expire,
        "metadata": plan.metadata,
        "active": plan.active,
    })
}

fn cycle_columns(cycle: &Cycle) -> Value {
    json!({
        "key": cycle.key,
        "price_amount": cycle.price,
        "currency": cycle.currency,
        "billing_interval": cycle.interval.as_str(),
        "interval_count": cycle.interval_count,
        "external_id": cycle.external_id,
    })
}

fn plan_feature_columns(entry: &PlanFeature) -> Value {
    let pricing = &entry.pricing;
    let tiers = (!pricing.tiers.is_empty()).then(|| {
        let tiers = pricing.tiers.iter().map(|tier| {
            json!({"upTo": tier.up_to, "unitPrice": tier.unit_price, "flatFee": tier.flat_fee})
        });
        tiers.collect::<Vec<Value>>()
    });
    json!({
        "slug": entry.slug,
        "enabled": entry.enabled,
        "value": entry.value,
        "limit_amount": entry.limit,
        "trial_limit": entry.trial_limit,
        "scope": entry.scope.as_str(),
        "reset_interval": entry.reset.as_str(),
        "reset_anchor": entry.reset_anchor.as_str(),
        "reset_on_enable": entry.reset_on_enable,
        "rollover": entry.rollover,
        "rollover_limit": entry.rollover_limit,
        "rollover_expires_after": entry.rollover_expires_after.map(|span| span.to_string()),
        "usage_model": pricing.usage_model.as_str(),
        "rating_model": pricing.rating_model.as_str(),
        "price_per_unit": pricing.price_per_unit,
        "billing_units": pricing.billing_units,
        "tiers": tiers,
        "overage": entry.overage.as_str(),
        "overage_price": pricing.overage_price,
        "overage_limit": entry.overage_limit,
        "credit_cost": entry.credit_cost,
    })
}
