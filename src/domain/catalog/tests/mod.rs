//! Tests of the catalog document: what is read, what is refused, and the way there and back.

mod any_json;
mod mistakes;
mod reading;
mod round_trip;
mod rows;
mod strategy;

use super::{Catalog, Known, parse};
use serde_json::Value;

/// Reads a document that has no mistake, in an empty organization.
fn read(document: &Value) -> (Catalog, Vec<String>) {
    parse(document, &Known::default()).unwrap()
}

/// The problems of a document as lines, in an empty organization.
fn problems(document: &Value) -> Vec<String> {
    problems_over(document, &Known::default())
}

/// The problems of a document as lines.
fn problems_over(document: &Value, known: &Known) -> Vec<String> {
    let problems = parse(document, known).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

/// A document with two features of each type and one system, and these plans.
fn with_plans(plans: Value) -> Value {
    serde_json::json!({
        "features": [
            {"slug": "calls"},
            {"slug": "tokens"},
            {"slug": "seats", "type": "entity"},
            {"slug": "sso", "type": "boolean"},
            {"slug": "region", "type": "static"},
        ],
        "creditSystems": [
            {"slug": "credits", "features": [{"feature": "tokens", "creditCost": 0.5}]},
        ],
        "plans": plans,
    })
}

/// A document with one plan of one entry, and a currency.
fn with_entry(entry: Value) -> Value {
    with_plans(serde_json::json!([{"slug": "pro", "currency": "USD", "features": [entry]}]))
}
