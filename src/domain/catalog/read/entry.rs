//! Reads what a plan grants: one entry per feature or credit system.
//!
//! A key that has no meaning for the type of its feature is ignored with a warning while its value
//! is harmless, and refused where ignoring it would change what is granted or billed.

use super::super::limits::LIST_LENGTH;
use super::super::{
    FeatureType, Overage, PlanFeature, ResetAnchor, Scope as EntryScope, UsageModel,
};
use super::object::Object;
use super::pricing;
use super::scope::{Scope, Subject};
use super::value::quantity_of;
use crate::interval::{Interval, Reset};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) const KEYS: [&str; 21] = [
    "slug",
    "enabled",
    "value",
    "limit",
    "trialLimit",
    "scope",
    "reset",
    "resetAnchor",
    "resetOnEnable",
    "rollover",
    "maxRollover",
    "rolloverExpiresAfter",
    "usageModel",
    "ratingModel",
    "pricePerUnit",
    "billingUnits",
    "tiers",
    "overage",
    "overagePrice",
    "maxOverageUnits",
    "creditCost",
];

/// Keys of a counted allowance; on a feature that is not counted they say nothing.
const HARMLESS: [&str; 4] = ["reset", "resetAnchor", "resetOnEnable", "billingUnits"];

/// The entries of a plan.
pub(super) fn entries(plan: &Object<'_>, scope: &Scope<'_>) -> Vec<PlanFeature> {
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for (path, value) in plan.list("features", LIST_LENGTH) {
        let Some(object) = Object::open(value, path, &KEYS, plan.notes) else {
            continue;
        };
        let Some(slug) = object.required("slug", object.slug("slug")) else {
            continue;
        };
        let Some(subject) = scope.subject(&slug) else {
            object.problem("slug", format!("no feature or credit system \"{slug}\""));
            continue;
        };
        if !seen.insert(slug.clone()) {
            object.problem("slug", format!("\"{slug}\" is named twice"));
        }
        if object.get("creditCost").is_some() && !scope.has_credit_cost(&slug) {
            object.warn("creditCost", &format!("no credit system prices \"{slug}\""));
        }
        entries.push(entry(&object, &slug, subject));
    }
    entries
}

/// One entry, by what its slug stands for.
pub(super) fn entry(object: &Object<'_>, slug: &str, subject: Subject) -> PlanFeature {
    let enabled = object.boolean("enabled", true);
    match subject {
        Subject::Feature(Some(judged @ (FeatureType::Boolean | FeatureType::Static))) => {
            uncounted(object, slug, enabled, judged)
        }
        Subject::Feature(Some(FeatureType::Entity)) => {
            refuse(object, "value", "entity");
            refuse(object, "creditCost", "entity");
            let entry = PlanFeature {
                enabled,
                ..counted(object, slug, Interval::Never)
            };
            of_entities(object, entry)
        }
        Subject::Feature(Some(FeatureType::Metered) | None) => {
            refuse(object, "value", "metered");
            PlanFeature {
                enabled,
                ..counted(object, slug, Interval::Monthly)
            }
        }
        Subject::System => {
            if object.get("value").is_some() {
                object.problem("value", "has no meaning for a credit system");
            }
            if object.get("creditCost").is_some() {
                object.problem("creditCost", "has no meaning for a credit system");
            }
            PlanFeature {
                enabled,
                ..counted(object, slug, Interval::Monthly)
            }
        }
    }
}

fn refuse(object: &Object<'_>, key: &str, feature_type: &str) {
    if object.get(key).is_some() {
        object.problem(key, format!("has no meaning for a {feature_type} feature"));
    }
}

/// Boolean and static features: only the switch and the value count.
fn uncounted(
    object: &Object<'_>,
    slug: &str,
    enabled: bool,
    feature_type: FeatureType,
) -> PlanFeature {
    let fixed = feature_type == FeatureType::Static;
    for key in KEYS {
        let Some(value) = object.get(key) else {
            continue;
        };
        if key == "slug" || key == "enabled" || (key == "value" && fixed) || idle(key, value) {
            continue;
        }
        let text = format!("has no meaning for a {} feature", feature_type.as_str());
        if HARMLESS.contains(&key) {
            object.warn(key, &format!("{text}, ignored"));
        } else {
            object.problem(key, text);
        }
    }
    PlanFeature {
        enabled,
        value: object.json("value").filter(|_| fixed),
        ..PlanFeature::new(slug, Reset::Every(Interval::Monthly))
    }
}

/// Whether a key only says what would hold anyway.
fn idle(key: &str, value: &Value) -> bool {
    match key {
        "overage" => *value == json!("block"),
        "usageModel" => *value == json!("included"),
        "ratingModel" => *value == json!("package"),
        "scope" => *value == json!("customer"),
        "rollover" | "resetOnEnable" => *value == json!(false),
        "tiers" => *value == json!([]),
        "overagePrice" | "pricePerUnit" | "creditCost" => {
            quantity_of(value).is_ok_and(|quantity| quantity.is_zero())
        }
        _ => false,
    }
}

/// Metered features, entity features and credit systems.
fn counted(object: &Object<'_>, slug: &str, reset: Interval) -> PlanFeature {
    let pricing = pricing::pricing(object);
    let limit = object.quantity("limit");
    let entry = PlanFeature {
        limit,
        trial_limit: object.quantity("trialLimit"),
        scope: object
            .word("scope", EntryScope::WORDS, EntryScope::parse)
            .unwrap_or(EntryScope::Customer),
        reset: object.reset("reset").unwrap_or(Reset::Every(reset)),
        reset_anchor: object
            .word("resetAnchor", ResetAnchor::WORDS, ResetAnchor::parse)
            .unwrap_or(ResetAnchor::Billing),
        reset_on_enable: object.boolean("resetOnEnable", false),
        rollover: object.boolean("rollover", false),
        rollover_limit: object.quantity("maxRollover"),
        rollover_expires_after: object.span("rolloverExpiresAfter"),
        overage: object
            .word("overage", Overage::WORDS, Overage::parse)
            .unwrap_or(Overage::Block),
        overage_limit: object.quantity("maxOverageUnits"),
        credit_cost: object.quantity("creditCost"),
        ..PlanFeature::new(slug, Reset::Every(reset))
    };
    of_usage_model(object, PlanFeature { pricing, ..entry })
}

/// What the usage model decides: all usage billed has no limit, usage paid before is blocked above.
fn of_usage_model(object: &Object<'_>, mut entry: PlanFeature) -> PlanFeature {
    match entry.pricing.usage_model {
        UsageModel::Included => {}
        UsageModel::UsageBased => {
            for key in ["limit", "trialLimit"] {
                if object.get(key).is_some() {
                    object.warn(key, "usage_based bills all usage and has no limit, ignored");
                }
            }
            if object.get("overage").is_some() && entry.overage == Overage::Block {
                object.warn(
                    "overage",
                    "usage_based bills all usage and blocks none, ignored",
                );
            }
            entry.limit = None;
            entry.trial_limit = None;
            entry.overage = Overage::Charge;
        }
        UsageModel::Prepaid => {
            if entry.overage == Overage::Charge {
                object.warn("overage", "prepaid blocks what was not bought, ignored");
            }
            entry.overage = Overage::Block;
        }
    }
    entry
}

/// Entities are a number of things that exist: their count never starts anew.
fn of_entities(object: &Object<'_>, mut entry: PlanFeature) -> PlanFeature {
    let never = Reset::Every(Interval::Never);
    if entry.reset != never {
        object.warn("reset", "the number of entities never resets, ignored");
    }
    if entry.rollover {
        object.problem("rollover", "has no meaning for an entity feature");
    }
    if entry.scope == EntryScope::Entity {
        object.problem("scope", "an entity feature belongs to the customer");
    }
    entry.reset = never;
    entry
}
