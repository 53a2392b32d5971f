//! One event against one entitlement and what is used: the step that runs under a lock.
//!
//! Called by the ledger through `meter::Counter`, in the shared engine while a partition is locked.
//! Invariant: pure; nothing here reads a table, logs, or raises.

use crate::error::{Error, Result};
use crate::meter::shared::Change;
use owostack_domain::decision::{self, Decision};
use owostack_domain::draw::{Drawn, Used};
use owostack_domain::entitlement::{Entitlement, GrantState};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;

/// A judged event with what it draws.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The state before, asked for nothing.
    pub before: Decision,
    pub decision: Decision,
    pub drawn: Drawn,
}

/// Every place whose usage the entitlement depends on.
pub fn places(entitlement: &Entitlement) -> Vec<MeterPeriod> {
    let mut places: Vec<MeterPeriod> = Vec::new();
    for place in entitlement
        .sources
        .iter()
        .flat_map(|source| &source.counted)
    {
        if !places.contains(place) {
            places.push(*place);
        }
    }
    places
}

/// An allowance that each entity has to itself can only be drawn for one of them.
///
/// # Errors
/// `22023` when no entity was named.
pub fn require_entity(entitlement: &Entitlement) -> Result<()> {
    if !entitlement
        .sources
        .iter()
        .any(|source| source.sums_over_entities())
    {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "feature \"{}\" is counted for each entity, name one",
        entitlement.slug
    ))
    .hint("Pass entity => the key of an entity added with owo_entity_add()."))
}

/// Judges `value`: positive is drawn, negative given back, zero only answered.
///
/// # Errors
/// `22023` when more is given back than the running period holds.
pub fn judge(
    entitlement: &Entitlement,
    used: &dyn Used,
    value: Quantity,
) -> Result<(Judged, Vec<Change>)> {
    let before = decision::check(entitlement, used, Quantity::ZERO);
    // Where nothing is granted a return is denied like a track, with the same code.
    let (decision, drawn) = if value.is_negative() && entitlement.grant == GrantState::Granted {
        decision::give_back(entitlement, used, value.negate())
            .map_err(|_| below_zero(entitlement, value))?
    } else {
        decision::track(entitlement, used, value)
    };
    Ok(with_changes(before, decision, drawn))
}

/// Judges a return that takes what is there, where `value` is more.
pub fn judge_at_most(
    entitlement: &Entitlement,
    used: &dyn Used,
    value: Quantity,
) -> (Judged, Vec<Change>) {
    let before = decision::check(entitlement, used, Quantity::ZERO);
    let (decision, drawn) = decision::give_back_at_most(entitlement, used, value.negate());
    with_changes(before, decision, drawn)
}

fn with_changes(before: Decision, decision: Decision, drawn: Drawn) -> (Judged, Vec<Change>) {
    let lines = drawn.lines.iter();
    let changes = lines.map(|line| (line.place(), line.amount)).collect();
    let judged = Judged {
        before,
        decision,
        drawn,
    };
    (judged, changes)
}

fn below_zero(entitlement: &Entitlement, value: Quantity) -> Error {
    Error::invalid(format!(
        "{} of \"{}\" cannot be given back: less is used in the running period",
        value.negate(),
        entitlement.slug
    ))
    .hint("A return takes back at most what the running period holds; what a switch carried goes back once.")
}
