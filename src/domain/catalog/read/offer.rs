//! Reads features, credit systems and credit packs.

use super::super::limits::{LIST_LENGTH, SLUG_LENGTH};
use super::super::{CreditCost, CreditPack, CreditSystem, Feature, FeatureType, FreeAt};
use super::object::{Object, kind};
use super::scope::{Scope, provider};
use super::value::quantity_of;
use std::collections::BTreeSet;

pub(super) const FEATURE_KEYS: [&str; 7] = [
    "slug",
    "type",
    "name",
    "unit",
    "meterType",
    "default",
    "freeAt",
];
pub(super) const SYSTEM_KEYS: [&str; 4] = ["slug", "name", "description", "features"];
const COST_KEYS: [&str; 2] = ["feature", "creditCost"];
pub(super) const PACK_KEYS: [&str; 11] = [
    "slug",
    "name",
    "description",
    "credits",
    "price",
    "currency",
    "creditSystem",
    "provider",
    "expiresAfter",
    "metadata",
    "active",
];
const METER_TYPES: [&str; 2] = ["consumable", "non_consumable"];

/// The features of the document.
pub(super) fn features(document: &Object<'_>, scope: &mut Scope<'_>) -> Vec<Feature> {
    let items = document.list("features", LIST_LENGTH);
    let read = items.into_iter().filter_map(|(path, value)| {
        let object = Object::open(value, path, &FEATURE_KEYS, document.notes)?;
        feature(&object, scope)
    });
    read.collect()
}

/// One feature.
pub(super) fn feature(object: &Object<'_>, scope: &mut Scope<'_>) -> Option<Feature> {
    let feature_type = feature_type(object);
    let default_value = feature_type.and_then(|judged| default_value(object, judged));
    let free_at = object.word("freeAt", FreeAt::WORDS, FreeAt::parse);
    let name = object.line("name");
    let unit = object.text("unit", SLUG_LENGTH);
    let slug = object.required("slug", object.slug("slug"))?;
    if let (Some(new), Some(old)) = (feature_type, scope.known().features.get(&slug))
        && new != *old
    {
        let problem = format!("is {} and cannot become {}", old.as_str(), new.as_str());
        object.problem("type", problem);
    }
    if let Some(problem) = scope.add_feature(&slug, feature_type) {
        object.problem("slug", problem);
    }
    Some(Feature {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        feature_type: feature_type?,
        unit,
        default_value,
        free_at: free_at.unwrap_or(FreeAt::Immediate),
    })
}

/// A metered feature whose units are not consumed counts entities.
fn feature_type(object: &Object<'_>) -> Option<FeatureType> {
    let named = match object.get("type") {
        None => FeatureType::Metered,
        Some(_) => object.word("type", FeatureType::WORDS, FeatureType::parse)?,
    };
    let kept = match object.get("meterType") {
        None => return Some(named),
        Some(_) => object.word("meterType", &METER_TYPES, |word| match word {
            "consumable" => Some(false),
            "non_consumable" => Some(true),
            _ => None,
        })?,
    };
    match (named, kept) {
        (FeatureType::Metered, true) => Some(FeatureType::Entity),
        (FeatureType::Entity, false) => {
            object.problem("meterType", "an entity feature is non_consumable");
            None
        }
        (FeatureType::Boolean | FeatureType::Static, _) => {
            let warning = format!("has no meaning for a {} feature, ignored", named.as_str());
            object.warn("meterType", &warning);
            Some(named)
        }
        (FeatureType::Metered | FeatureType::Entity, _) => Some(named),
    }
}

fn default_value(object: &Object<'_>, feature_type: FeatureType) -> Option<serde_json::Value> {
    let value = object.json("default")?;
    let problem = match feature_type {
        FeatureType::Static => None,
        FeatureType::Boolean if value.is_boolean() => None,
        FeatureType::Boolean => Some(format!("must be true or false, not {}", kind(&value))),
        FeatureType::Metered | FeatureType::Entity => quantity_of(&value).err(),
    };
    match problem {
        None => Some(value),
        Some(problem) => {
            object.problem("default", problem);
            None
        }
    }
}

/// The credit systems of the document.
pub(super) fn systems(document: &Object<'_>, scope: &mut Scope<'_>) -> Vec<CreditSystem> {
    let items = document.list("creditSystems", LIST_LENGTH);
    let read = items.into_iter().filter_map(|(path, value)| {
        let object = Object::open(value, path, &SYSTEM_KEYS, document.notes)?;
        system(&object, scope)
    });
    read.collect()
}

/// One credit system with its costs.
pub(super) fn system(object: &Object<'_>, scope: &mut Scope<'_>) -> Option<CreditSystem> {
    let name = object.line("name");
    let description = object.line("description");
    let mut features: Vec<CreditCost> = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, value) in object.list("features", LIST_LENGTH) {
        let Some(entry) = Object::open(value, path, &COST_KEYS, object.notes) else {
            continue;
        };
        if let Some(cost) = cost(&entry, scope) {
            if !seen.insert(cost.feature.clone()) {
                entry.problem("feature", format!("\"{}\" is named twice", cost.feature));
            }
            features.push(cost);
        }
    }
    let slug = object.required("slug", object.slug("slug"))?;
    if let Some(problem) = scope.add_system(&slug) {
        object.problem("slug", problem);
    }
    Some(CreditSystem {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        description,
        features,
    })
}

fn cost(entry: &Object<'_>, scope: &mut Scope<'_>) -> Option<CreditCost> {
    let credit_cost = entry.required("creditCost", entry.quantity("creditCost"));
    let feature = entry.required("feature", entry.slug("feature"))?;
    match scope.feature(&feature) {
        Some(None | Some(FeatureType::Metered)) => {}
        Some(Some(other)) => {
            let problem = format!("\"{feature}\" is {} and not metered", other.as_str());
            entry.problem("feature", problem);
        }
        None => entry.problem("feature", format!("no feature \"{feature}\"")),
    }
    scope.add_credit_feature(&feature);
    Some(CreditCost {
        feature,
        credit_cost: credit_cost?,
    })
}

/// The credit packs of the document.
pub(super) fn packs(document: &Object<'_>, scope: &Scope<'_>) -> Vec<CreditPack> {
    let mut seen = BTreeSet::new();
    let items = document.list("creditPacks", LIST_LENGTH);
    let read = items.into_iter().filter_map(|(path, value)| {
        let object = Object::open(value, path, &PACK_KEYS, document.notes)?;
        pack(&object, scope, &mut seen)
    });
    read.collect()
}

/// One credit pack.
pub(super) fn pack(
    object: &Object<'_>,
    scope: &Scope<'_>,
    seen: &mut BTreeSet<String>,
) -> Option<CreditPack> {
    let name = object.line("name");
    let description = object.line("description");
    let credits = object.required("credits", object.quantity("credits"));
    if credits.is_some_and(|credits| credits.is_zero()) {
        object.problem("credits", "must be above zero");
    }
    let price = object.required("price", object.money("price"));
    let currency = object.currency("currency");
    if price.is_some_and(|price| price > 0) && object.get("currency").is_none() {
        object.problem("currency", "is required where the price is not zero");
    }
    let credit_system = object.required("creditSystem", object.slug("creditSystem"));
    if let Some(system) = &credit_system
        && !scope.has_system(system)
    {
        object.problem("creditSystem", format!("no credit system \"{system}\""));
    }
    let provider = provider(object, "provider", scope);
    let expires_after = object.span("expiresAfter");
    let metadata = object.metadata("metadata");
    let active = object.flag("active");
    let slug = object.required("slug", object.slug("slug"))?;
    if !seen.insert(slug.clone()) {
        object.problem("slug", format!("\"{slug}\" is named twice"));
    }
    Some(CreditPack {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        description,
        credits: credits?,
        price: price?,
        currency,
        credit_system: credit_system?,
        provider,
        expires_after,
        metadata,
        active,
    })
}
