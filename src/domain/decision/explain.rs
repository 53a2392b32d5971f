//! Explanation: every source in draw order, and what was left out and why.
//!
//! Called by `flow/` for `owo_explain`. Invariant: what remains in the rows that apply adds up to
//! the balance, up to the ninth decimal of each row. Deliberately absent: changing anything.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::number::{cost, to_units};
use crate::draw::{Used, room, used_of};
use crate::entitlement::{Entitlement, FeatureType, Ignored, Scope, Source, Subject};
use crate::period::Time;
use crate::quantity::Quantity;

/// One row of an explanation; quantities are in units of the feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Place in draw order, from one; what does not apply comes after.
    pub ordinal: i32,
    /// Kind of source, or `overage`.
    pub source: &'static str,
    /// Subscription, grant, override or feature.
    pub source_id: Option<Uuid>,
    /// `customer` or `entity`.
    pub scope: &'static str,
    /// Start of the running period.
    pub period_start: Option<Time>,
    /// End of the running period.
    pub period_end: Option<Time>,
    /// What it gives; None: unlimited, or not a number.
    pub granted: Option<Quantity>,
    /// What was used of it; None where nothing is counted.
    pub used: Option<Quantity>,
    /// What can still be drawn; None: unlimited, or not a number.
    pub remaining: Option<Quantity>,
    /// It takes part in the answer.
    pub applied: bool,
    /// Why, or why not.
    pub reason: String,
    /// When that changes by itself.
    pub changes_at: Option<Time>,
}

/// The rows of `owo_explain` for a feature that is not made of entities.
#[must_use]
pub fn explain(entitlement: &Entitlement, used: &dyn Used) -> Vec<Explained> {
    let mut rows: Vec<Explained> = Vec::new();
    let mut unlimited = false;
    for source in &entitlement.sources {
        if source.rollover.is_some() {
            continue;
        }
        rows.push(applied(entitlement, source, used, unlimited));
        unlimited |= source.is_unlimited() && entitlement.feature_type == FeatureType::Metered;
    }
    rows.extend(overage(entitlement, used));
    finish(entitlement, rows)
}

/// The same for a feature made of entities: they fill one source after the other.
#[must_use]
pub fn explain_entities(entitlement: &Entitlement, count: i64) -> Vec<Explained> {
    let mut open = Quantity::from_int(count);
    let mut rows: Vec<Explained> = Vec::new();
    for source in &entitlement.sources {
        let taken = source.limit.map_or(open, |limit| limit.min(open));
        open = open.saturating_sub_to_zero(taken);
        rows.push(Explained {
            used: Some(taken),
            remaining: source
                .limit
                .map(|limit| limit.saturating_sub_to_zero(taken)),
            ..applied(entitlement, source, &BTreeMap::new(), false)
        });
    }
    let charged = overage(entitlement, &BTreeMap::new()).map(|row| Explained {
        used: Some(open),
        remaining: row.granted.map(|most| most.saturating_sub_to_zero(open)),
        ..row
    });
    rows.extend(charged);
    finish(entitlement, rows)
}

/// Adds what was left out and numbers the rows.
fn finish(entitlement: &Entitlement, mut rows: Vec<Explained>) -> Vec<Explained> {
    rows.extend(
        entitlement
            .ignored
            .iter()
            .map(|one| ignored(entitlement, one)),
    );
    for (row, ordinal) in rows.iter_mut().zip(1..) {
        row.ordinal = ordinal;
    }
    rows
}

fn applied(
    entitlement: &Entitlement,
    source: &Source,
    used: &dyn Used,
    unlimited_before: bool,
) -> Explained {
    let metered = entitlement.feature_type == FeatureType::Metered;
    let units = |amount: Quantity| in_units(entitlement, source.subject, amount);
    let spent = metered.then(|| used_of(source, used));
    let granted = if source.closed { spent } else { source.limit };
    let period_end = source.period.end.filter(|_| metered);
    Explained {
        ordinal: 0,
        source: source.kind.as_str(),
        source_id: Some(source.source_id),
        scope: source.scope.as_str(),
        period_start: source.period.start.filter(|_| metered),
        period_end,
        granted: granted.map(units),
        used: spent.map(units),
        remaining: room(source, used).filter(|_| metered).map(units),
        applied: !source.closed && !unlimited_before,
        reason: reason(entitlement, source, used, unlimited_before),
        changes_at: source
            .expires_at
            .into_iter()
            .chain(period_end)
            .filter(|moment| *moment > entitlement.at)
            .min(),
    }
}

fn reason(
    entitlement: &Entitlement,
    source: &Source,
    used: &dyn Used,
    unlimited_before: bool,
) -> String {
    if entitlement.feature_type != FeatureType::Metered {
        return "gives the feature".to_owned();
    }
    if source.closed {
        return "expired in this period; what was drawn from it counts".to_owned();
    }
    if unlimited_before {
        return "not drawn: an unlimited source comes first".to_owned();
    }
    let what = if source.usage_based && entitlement.billable {
        "every unit is charged"
    } else if source.usage_based {
        "every unit would be charged, but not in a trial"
    } else if source.is_unlimited() {
        "unlimited"
    } else if room(source, used).is_some_and(Quantity::is_zero) {
        "used up"
    } else if source.sums_over_entities() {
        "drawn in this order; the sum over all entities"
    } else {
        "drawn in this order"
    };
    match (&entitlement.credit, source.in_credits()) {
        (Some(credit), true) => {
            format!(
                "{what}; credits of \"{}\", {} per unit",
                credit.slug, credit.cost
            )
        }
        _ => what.to_owned(),
    }
}

/// The row for what may be drawn beyond all limits.
fn overage(entitlement: &Entitlement, used: &dyn Used) -> Option<Explained> {
    if entitlement.overage.is_none() && !entitlement.overage_blocked {
        return None;
    }
    let source = entitlement
        .overage
        .and_then(|overage| entitlement.sources.get(overage.source));
    let max = entitlement.overage.and_then(|overage| overage.max);
    let units = |amount: Quantity| match source {
        Some(source) => in_units(entitlement, source.subject, amount),
        None => amount,
    };
    let spent = source.map(|source| {
        let limit = source.limit.unwrap_or(Quantity::LIMIT);
        used_of(source, used).saturating_sub_to_zero(limit)
    });
    let unlimited = entitlement.sources.iter().any(Source::is_unlimited);
    let reason = match (entitlement.overage_blocked, unlimited) {
        (true, _) => "a trial allows no overage",
        (_, true) => "not drawn: an unlimited source comes first",
        _ => "charged once everything else is used up",
    };
    Some(Explained {
        ordinal: 0,
        source: "overage",
        source_id: source.map(|source| source.source_id),
        scope: source
            .map_or(Scope::Customer, |source| source.scope)
            .as_str(),
        period_start: source.and_then(|source| source.period.start),
        period_end: source.and_then(|source| source.period.end),
        granted: max.map(units),
        used: spent.map(units),
        remaining: max
            .zip(spent)
            .map(|(max, spent)| units(max.saturating_sub_to_zero(spent))),
        applied: source.is_some() && !unlimited,
        reason: reason.to_owned(),
        changes_at: entitlement.trial_ends_at.filter(|_| source.is_none()),
    })
}

fn ignored(entitlement: &Entitlement, ignored: &Ignored) -> Explained {
    let units = |amount: Quantity| in_units(entitlement, ignored.subject, amount);
    Explained {
        ordinal: 0,
        source: ignored.kind.as_str(),
        source_id: Some(ignored.source_id),
        scope: ignored.scope.as_str(),
        period_start: None,
        period_end: None,
        granted: ignored.limit.map(units),
        used: None,
        remaining: None,
        applied: false,
        reason: ignored.reason.as_str().to_owned(),
        changes_at: ignored.changes_at,
    }
}

/// Credits as the units they pay for.
fn in_units(entitlement: &Entitlement, subject: Subject, amount: Quantity) -> Quantity {
    match subject {
        Subject::Feature(_) => amount,
        Subject::CreditSystem(_) => to_units(amount, cost(entitlement)),
    }
}
