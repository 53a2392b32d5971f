//! Charging rows of a metered feature: once for each customer and entity that rows name.
//!
//! Returns come before takes, so that a move between entities of one pool is not denied for units
//! that it frees itself. Locks, snapshot and judgement are those of every track; so is the short way
//! for a customer whose entitlement is known.

use super::change::Charge;
use super::gate::Gate;
use super::rule::Rule;
use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::error::Result;
use crate::flow::context::Level;
use crate::flow::due;
use crate::flow::track::ledger::Ledger;
use crate::flow::track::{self, Located, UsageEvent};
use crate::flow::warm::{self, Answered, known};

/// Draws what one charge asks for without a statement, if what it needs is known; false leaves
/// everything as it was, also where it would be denied.
///
/// # Errors
/// As [`charge`].
pub fn charge_known(caller: &Caller, rule: &Rule, charge: &Charge) -> Result<bool> {
    if charge.entity.is_some() || !charge.amount.is_positive() {
        return Ok(false);
    }
    let Some(warm) = warm::context::find_named(&rule.organization, Level::App, caller) else {
        return Ok(false);
    };
    let event = event(&rule.feature, charge);
    Ok(match warm::record::track_in(&warm, &event)? {
        Some(Answered::Granted(_)) => true,
        Some(Answered::Decided(decided)) => decided.allowed,
        None => false,
    })
}

/// Draws what `charges` ask for.
///
/// # Errors
/// `23514` for the first that is denied.
pub fn charge(gate: &mut Gate, mut charges: Vec<Charge>) -> Result<()> {
    if charges.is_empty() {
        return Ok(());
    }
    charges.sort_by(|a, b| {
        let order = |charge: &Charge| !charge.amount.is_negative();
        (order(a), &a.customer, &a.entity).cmp(&(order(b), &b.customer, &b.entity))
    });
    let takes = |charge: &Charge| charge.amount.is_positive() && charge.entity.is_none();
    if charges.len() > 1 && charges.iter().all(takes) {
        return charge_together(gate, &charges);
    }
    let located = locate(gate, charges)?;
    let ids = located
        .iter()
        .filter_map(|(_, located)| located.customer.as_ref().map(|customer| customer.id));
    due::enter(&gate.context, ids.collect(), [])?;
    let before = located
        .iter()
        .filter_map(|(_, one)| known::before(&gate.context, &one.event.question()));
    let before = before.collect();
    let loaded = std::mem::take(&mut gate.loaded);
    let mut ledger = Ledger::resume(&gate.context, loaded, before)?;
    if located.len() > 1 {
        ledger.enter_together(located.iter().map(|(_, located)| located), Vec::new())?;
    }
    for (asks, located) in located {
        let amount = located.event.value;
        let customer = located
            .customer
            .as_ref()
            .map(|customer| customer.key.clone());
        let customer = customer.unwrap_or_else(|| located.event.customer.clone());
        let decided = ledger.judge(located)?;
        if asks || amount.is_positive() {
            decided.or_denial(Some(&gate.feature.slug), Some(&customer), amount)?;
        }
    }
    gate.loaded = ledger.close()?;
    Ok(())
}

/// Draws for many customers at once: those whose allowance is known need no look-up.
fn charge_together(gate: &mut Gate, charges: &[Charge]) -> Result<()> {
    let slug = gate.feature.slug.clone();
    let events = charges.iter().map(|charge| event(&slug, charge)).collect();
    let answers = track::together(&gate.context, events)?;
    for (charge, answered) in charges.iter().zip(answers) {
        let Answered::Decided(decided) = answered else {
            continue;
        };
        if !decided.allowed {
            let found = gate.customer(&Snapshot::latest()?, &charge.customer)?;
            let customer = found.map_or_else(|| charge.customer.clone(), |found| found.key);
            decided.or_denial(Some(&slug), Some(&customer), charge.amount)?;
        }
    }
    Ok(())
}

/// Looks customers up; returns of customers that are no more are left out.
fn locate(gate: &mut Gate, charges: Vec<Charge>) -> Result<Vec<(bool, Located)>> {
    let snapshot = Snapshot::latest()?;
    gate.meet(
        &snapshot,
        charges.iter().map(|charge| charge.customer.as_str()),
    )?;
    let mut located = Vec::with_capacity(charges.len());
    for charge in charges {
        let customer = gate.customer(&snapshot, &charge.customer)?;
        if customer.is_none() && !charge.asks && !charge.amount.is_positive() {
            continue;
        }
        let event = event(&gate.feature.slug, &charge);
        event.check(&gate.context)?;
        let found = Located {
            event,
            feature: gate.feature.clone(),
            customer,
            at_most: true,
        };
        located.push((charge.asks, found));
    }
    Ok(located)
}

fn event(feature: &str, charge: &Charge) -> UsageEvent {
    UsageEvent {
        customer: charge.customer.clone(),
        feature: feature.to_owned(),
        value: charge.amount,
        entity: charge.entity.clone(),
        metadata: None,
        idempotency_key: None,
        occurred_at: None,
        customer_data: None,
    }
}
