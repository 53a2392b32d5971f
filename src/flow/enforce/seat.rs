//! Slots of an entity feature, taken and freed by the rows of a table: a set at a time.
//!
//! The rules are those of `flow/entity`: a slot is taken under the customer's lock after counting
//! the latest rows; what awaits removal counts until it is gone and comes back when added again.

use super::change::Seats;
use super::gate::{Gate, Slots};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::facts::Wanted;
use crate::error::Result;
use crate::flow::decided::Decided;
use crate::flow::entity;
use crate::flow::standing::Standing;
use crate::flow::text;
use crate::meter;
use owostack_domain::decision::{self, Code, Decision};
use owostack_domain::quantity::Quantity;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Whether the limit decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Enforced,
    /// Rows that were there before: counted, above the limit too.
    Ignored,
}

/// Frees what left, then takes what came.
///
/// # Errors
/// `23514` when a customer is unknown or full.
pub fn apply(gate: &mut Gate, seats: Vec<Seats>, limit: Limit) -> Result<()> {
    let located = locate(gate, seats)?;
    meter::enter_entities(located.iter().map(|(customer, _)| customer.id));
    for (customer, _) in &located {
        if !gate.slots.contains_key(&customer.id) {
            entity::release_due(&gate.context, customer)?;
        }
    }
    let mut freed = Vec::with_capacity(located.len());
    for (customer, seats) in &located {
        freed.push(free(gate, customer, &seats.left)?);
    }
    for ((customer, seats), freed) in located.iter().zip(freed) {
        take(gate, customer, &seats.came, freed, limit)?;
    }
    Ok(())
}

/// Looks customers up, making one of those that rows call by several names.
fn locate(gate: &mut Gate, seats: Vec<Seats>) -> Result<Vec<(Customer, Seats)>> {
    let snapshot = Snapshot::latest()?;
    gate.meet(&snapshot, seats.iter().map(|seats| seats.customer.as_str()))?;
    let mut located: Vec<(Customer, Seats)> = Vec::new();
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    for seats in seats {
        let Some(customer) = gate.customer(&snapshot, &seats.customer)? else {
            if seats.came.is_empty() {
                continue;
            }
            let slug = &gate.feature.slug;
            let decided: Decided = Decision::not_found(Code::CustomerNotFound, slug).into();
            let asked = Quantity::from_int(length(&seats.came));
            decided.or_denial(Some(slug), Some(&seats.customer), asked)?;
            continue;
        };
        for key in &seats.came {
            text::bounded("entity", key, text::KEY_LENGTH)?;
        }
        let place = *places.entry(customer.id).or_insert(located.len());
        match located.get_mut(place) {
            Some((_, known)) => {
                known.left.extend(seats.left);
                known.came.extend(seats.came);
            }
            None => located.push((customer, seats)),
        }
    }
    located.sort_by_key(|(customer, _)| customer.id);
    Ok(located)
}

/// Frees the slots of these entities, now or at the end of the period; how many were freed now.
fn free(gate: &mut Gate, customer: &Customer, keys: &[String]) -> Result<i64> {
    if keys.is_empty() {
        return Ok(0);
    }
    let (customer_id, feature_id) = (customer.id, gate.feature.id);
    if gate.feature.free_at_period_end {
        let now = gate.context.now;
        let slots = slots(gate, customer)?;
        let end = entity::removal_date(&slots.standing, feature_id, now);
        if end.is_some() {
            let keys = keys.to_vec();
            meter::writing(|| db::entity::set_removals(customer_id, feature_id, keys, end))?;
            return Ok(0);
        }
    }
    let removed =
        meter::writing(|| db::entity::delete_many(customer_id, feature_id, keys.to_vec()))?;
    if let Some(slots) = gate.slots.get_mut(&customer_id) {
        slots.count = slots.count.saturating_sub(length(&removed));
    }
    announce(gate, customer_id, "entity.removed", &removed)?;
    Ok(length(&removed))
}

/// Takes a slot for each of these entities that has none.
///
/// As many as were `freed` by the same change may come above the limit too: they take no more.
fn take(
    gate: &mut Gate,
    customer: &Customer,
    keys: &[String],
    freed: i64,
    limit: Limit,
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let (customer_id, feature_id, now) = (customer.id, gate.feature.id, gate.context.now);
    let snapshot = Snapshot::latest()?;
    let present = db::entity::present(&snapshot, customer_id, feature_id, keys.to_vec())?;
    if present.iter().any(|(_, awaits_removal)| *awaits_removal) {
        let keys = keys.to_vec();
        meter::writing(|| db::entity::set_removals(customer_id, feature_id, keys, None))?;
    }
    let mut known: HashSet<&str> = present.iter().map(|(key, _)| key.as_str()).collect();
    let missing: Vec<String> = keys
        .iter()
        .filter(|key| known.insert(key.as_str()))
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let slug = gate.feature.slug.clone();
    let asked = length(&missing);
    let slots = slots(gate, customer)?;
    if limit == Limit::Enforced && asked > freed {
        let entitlement = slots.standing.resolve(feature_id, None, now);
        let asked = Quantity::from_int(asked);
        let decided: Decided = decision::entity(&entitlement, slots.count, asked).into();
        decided.or_denial(Some(&slug), Some(&customer.key), asked)?;
    }
    slots.count = slots.count.saturating_add(asked);
    meter::writing(|| db::entity::insert_many(customer_id, feature_id, missing.clone(), now))?;
    announce(gate, customer_id, "entity.added", &missing)
}

/// The customer's slots, read once for each moment; the caller holds the lock.
fn slots<'a>(gate: &'a mut Gate, customer: &Customer) -> Result<&'a mut Slots> {
    let (context, feature_id) = (&gate.context, gate.feature.id);
    match gate.slots.entry(customer.id) {
        std::collections::hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
        std::collections::hash_map::Entry::Vacant(place) => {
            let snapshot = Snapshot::latest()?;
            let wanted = Wanted::Feature(feature_id);
            Ok(place.insert(Slots {
                standing: Standing::load(context, &snapshot, customer, wanted)?,
                count: db::entity::count(&snapshot, customer.id, feature_id, context.now)?,
            }))
        }
    }
}

fn announce(gate: &Gate, customer_id: Uuid, kind: &str, keys: &[String]) -> Result<()> {
    entity::announce_many(&gate.context, customer_id, kind, &gate.feature.slug, keys)
}

fn length<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}
