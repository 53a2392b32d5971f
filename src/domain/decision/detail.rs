//! The JSON columns of an answer: `credits` and `details`.
//!
//! Called by `decision`. Invariant: numbers are JSON numbers with every digit, times ISO 8601 in
//! UTC, and a key without a value is absent. Deliberately absent: any decision.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::message::message;
use super::number::{Numbers, sum};
use super::{Code, Part};
use crate::draw::{Draw, Drawn, Used, room, used_of};
use crate::entitlement::{Entitlement, Source, Status};
use crate::period::Time;
use crate::quantity::Quantity;

/// What the credit system says, for features with a source of credits.
pub(super) fn credits(entitlement: &Entitlement, used: &dyn Used) -> Option<Value> {
    let credit = entitlement.credit.as_ref()?;
    let sources = || {
        entitlement
            .sources
            .iter()
            .filter(|source| source.in_credits())
    };
    sources().next()?;
    let allowances = || sources().filter(|source| source.is_allowance());
    let grants = sources().filter(|source| !source.is_allowance());
    let spent = allowances().fold(Quantity::ZERO, |total, source| {
        sum(total, used_of(source, used))
    });
    let limit = total(allowances().map(|source| match source.closed {
        true => Some(used_of(source, used)),
        false => source.limit,
    }));
    let balance = total(allowances().map(|source| room(source, used)));
    let addon = total(grants.map(|source| room(source, used)));
    let mut plan = json!({ "used": spent, "limit": limit, "balance": balance });
    let resets_at = allowances().filter_map(|source| source.period.end).min();
    put(&mut plan, "resets_at", resets_at.map(text));
    Some(json!({
        "source": "credit_system",
        "system": credit.slug,
        "cost_per_unit": credit.cost,
        "plan": plan,
        "addon_balance": addon,
        "total_balance": balance.zip(addon).map(|(one, other)| sum(one, other)),
    }))
}

/// The sum, or none if one of them is without bound.
fn total(mut amounts: impl Iterator<Item = Option<Quantity>>) -> Option<Quantity> {
    amounts.try_fold(Quantity::ZERO, |total, amount| Some(sum(total, amount?)))
}

/// Everything else there is to say.
pub(super) fn details(
    entitlement: &Entitlement,
    numbers: &Numbers,
    code: Code,
    value: Quantity,
) -> Value {
    let mut details = json!({ "message": message(entitlement, numbers, code, value) });
    if let Some(plan) = &entitlement.plan {
        put(&mut details, "plan", Some(plan.as_str()));
        put(&mut details, "trial", Some(entitlement.trial));
    }
    put(
        &mut details,
        "trial_ends_at",
        entitlement.trial_ends_at.map(text),
    );
    put(
        &mut details,
        "status",
        entitlement.status.map(Status::as_str),
    );
    if entitlement.overage.is_some() {
        put(
            &mut details,
            "overage_billable",
            Some(json!(numbers.overage_billable)),
        );
    }
    put(&mut details, "pricing", pricing(entitlement));
    details
}

/// The pricing keys, and whether units are charged now.
fn pricing(entitlement: &Entitlement) -> Option<Value> {
    let mut pricing = entitlement.pricing.as_deref().cloned();
    if entitlement.usage_based {
        let keys = pricing.get_or_insert_with(|| Value::Object(Map::new()));
        put(keys, "billable", Some(entitlement.billable));
    }
    pricing
}

/// Notes what was drawn, source by source, in the units of each; overage apart.
pub(super) fn add_drawn(details: &mut Value, entitlement: &Entitlement, drawn: &Drawn) {
    let mut lines = Vec::new();
    let mut beyond = None;
    for line in &drawn.lines {
        let covered = Quantity::from_raw(line.amount.raw().saturating_sub(line.overage.raw()));
        let only_overage = covered.is_zero() && !line.overage.is_zero();
        if !only_overage {
            let source = source_of(entitlement, line).map(|source| source.kind.as_str());
            lines.push(json!({ "source": source, "amount": covered }));
        }
        if !line.overage.is_zero() {
            beyond = Some(json!({ "source": "overage", "amount": line.overage }));
        }
    }
    lines.extend(beyond);
    if !lines.is_empty() {
        put(details, "drawn", Some(Value::Array(lines)));
    }
}

/// Notes what a settled hold drew, source by source, in the units of each; overage apart.
pub(super) fn add_parts(details: &mut Value, parts: &[Part]) {
    let mut lines: Vec<(&str, Quantity)> = Vec::new();
    for part in parts {
        let source = if part.overage {
            "overage"
        } else {
            part.kind.as_str()
        };
        match lines.iter_mut().find(|(known, _)| *known == source) {
            Some((_, amount)) => *amount = sum(*amount, part.amount),
            None => lines.push((source, part.amount)),
        }
    }
    lines.sort_by_key(|(source, _)| *source == "overage");
    if !lines.is_empty() {
        let line = |(source, amount)| json!({ "source": source, "amount": amount });
        let lines = lines.into_iter().map(line).collect();
        put(details, "drawn", Some(Value::Array(lines)));
    }
}

fn source_of<'a>(entitlement: &'a Entitlement, line: &Draw) -> Option<&'a Source> {
    entitlement.sources.get(line.source)
}

/// Sets a key, unless there is nothing to set.
fn put(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value.into());
    }
}

/// ISO 8601 in UTC, with as many decimals as needed.
fn text(at: Time) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
