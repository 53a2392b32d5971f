//! Reads a catalog document: `parse` and what it is made of, one file per kind.
//!
//! Every mistake is collected with its path; references are judged against what the document
//! declares and what is known already.

mod entry;
mod group;
mod object;
mod offer;
mod plan;
mod pricing;
mod scope;
mod value;

use super::limits::{DOCUMENT_BYTES, json_length};
use super::problem::{Notes, Problem};
use super::row::{Row, Table};
use super::{Catalog, Known, Pricing};
use object::Object;
use scope::Scope;
use serde_json::Value;
use std::collections::BTreeSet;

const KEYS: [&str; 6] = [
    "defaultProvider",
    "features",
    "creditSystems",
    "creditPacks",
    "planGroups",
    "plans",
];

/// Reads a document, with what exists already in `known`, into a catalog and its warnings.
///
/// # Errors
/// Every mistake of the document, in reading order.
pub fn parse(document: &Value, known: &Known) -> Result<(Catalog, Vec<String>), Vec<Problem>> {
    let notes = Notes::default();
    let catalog = read(document, known, &notes).unwrap_or_default();
    notes.settle(catalog)
}

fn read(document: &Value, known: &Known, notes: &Notes) -> Option<Catalog> {
    if json_length(document) > DOCUMENT_BYTES {
        let problem = format!("must not be larger than {DOCUMENT_BYTES} bytes");
        notes.problem("catalog", problem);
        return None;
    }
    let object = Object::open(document, String::new(), &KEYS, notes)?;
    let mut scope = Scope::new(known);
    scope.default_provider = scope::provider(&object, "defaultProvider", &scope);
    let features = offer::features(&object, &mut scope);
    let credit_systems = offer::systems(&object, &mut scope);
    let credit_packs = offer::packs(&object, &scope);
    let mut plan_groups = group::declared(&object, &mut scope);
    let plans = plan::plans(&object, &mut scope);
    plan_groups.extend(group::implied(&plans, &mut scope));
    group::judge_auto_enable(&object, &plans, &scope);
    Some(Catalog {
        default_provider: scope.default_provider,
        features,
        credit_systems,
        credit_packs,
        plan_groups,
        plans,
    })
}

/// Reads the pricing keys of a plan feature on their own; its other keys are ignored.
///
/// # Errors
/// Every mistake in those keys.
pub fn parse_pricing(value: &Value) -> Result<Pricing, Vec<Problem>> {
    let notes = Notes::default();
    let object = Object::open(value, String::new(), &entry::KEYS, &notes);
    let pricing = object
        .map(|object| pricing::pricing(&object))
        .unwrap_or_default();
    notes.settle(pricing).map(|(pricing, _)| pricing)
}

/// Reads one row of a table, by its keys in the document.
pub(super) fn row(table: Table, value: &Value, known: &Known, notes: &Notes) -> Option<Row> {
    let keys: &[&str] = match table {
        Table::Feature => &offer::FEATURE_KEYS,
        Table::CreditSystem => &offer::SYSTEM_KEYS,
        Table::CreditPack => &offer::PACK_KEYS,
        Table::PlanGroup => &group::KEYS,
        Table::Plan => &plan::KEYS,
        Table::PlanCycle => &plan::CYCLE_KEYS,
        Table::PlanFeature => &entry::KEYS,
    };
    let object = Object::open(value, String::new(), keys, notes)?;
    let mut scope = Scope::new(known);
    match table {
        Table::Feature => offer::feature(&object, &mut scope).map(Row::Feature),
        Table::CreditSystem => offer::system(&object, &mut scope).map(Row::CreditSystem),
        Table::CreditPack => {
            offer::pack(&object, &scope, &mut BTreeSet::new()).map(Row::CreditPack)
        }
        Table::PlanGroup => group::group(&object, &mut scope).map(Row::PlanGroup),
        Table::Plan => {
            let slug = object.required("slug", object.slug("slug"));
            plan::plan(&object, slug.as_deref(), &scope).map(Row::Plan)
        }
        Table::PlanCycle => plan::cycle(&object, None).map(Row::PlanCycle),
        Table::PlanFeature => {
            let slug = object.required("slug", object.slug("slug"))?;
            let subject = scope.subject(&slug)?;
            Some(Row::PlanFeature(entry::entry(&object, &slug, subject)))
        }
    }
}
