//! Carrying usage to the meters of the subscription that takes a plan group over.
//!
//! Called when a life is saved, and by reads that see a switch before it is a row. Invariant: what
//! is used of running periods counts on, once: the amounts are those of the latest state under the
//! customer's lock. Deliberately absent: where usage goes, which the domain decides per meter.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::meter::Running;
use crate::error::{Error, Result};
use crate::meter::{self, Posting};
use owostack_domain::entitlement::facts::{Facts, Subject, Subscription};
use owostack_domain::interval::Cadence;
use owostack_domain::meter_key::{MeterKey, MeterPeriod, MeterSource};
use owostack_domain::period::Anchor;
use owostack_domain::quantity::Quantity;
use owostack_domain::subscription::carry::{Carry, carry};
use std::collections::HashMap;

/// Carries what is used in each group whose place is taken by one of `begun`, in their order.
///
/// # Errors
/// As the statements.
pub fn carry_over(facts: &Facts, begun: &[Subscription]) -> Result<()> {
    for to in begun {
        let postings: Vec<Posting> = carried(&Snapshot::latest()?, facts, to)?
            .into_iter()
            .map(|(place, amount)| Posting {
                feature_id: place.key.subject.id(),
                key: place.key,
                period: place.period,
                amount,
                units: Quantity::ZERO,
                kind: "carry",
                at: to.started_at,
                entity: None,
                metadata: None,
            })
            .collect();
        if !postings.is_empty() {
            meter::post(&postings)?;
        }
    }
    Ok(())
}

/// What [`carry_over`] would add to each meter and period.
///
/// # Errors
/// As the statements.
pub fn projected(
    snapshot: &Snapshot,
    facts: &Facts,
    begun: &[Subscription],
) -> Result<HashMap<MeterPeriod, Quantity>> {
    let mut sums: HashMap<MeterPeriod, Quantity> = HashMap::new();
    for to in begun {
        for (place, amount) in carried(snapshot, facts, to)? {
            let sum = sums
                .entry(place.key.in_period(place.period.number))
                .or_default();
            *sum = sum
                .checked_add(amount)
                .ok_or_else(|| Error::out_of_range("carried usage is out of range"))?;
        }
    }
    Ok(sums)
}

/// Where the running usage of a group goes that this subscription takes over, and how much.
fn carried(
    snapshot: &Snapshot,
    facts: &Facts,
    to: &Subscription,
) -> Result<Vec<(Carry, Quantity)>> {
    let Some(from) = predecessor(facts, to) else {
        return Ok(Vec::new());
    };
    let at = to.started_at;
    let mut carried = Vec::new();
    for row in db::meter::running(snapshot, facts.customer_id, to.group_id, at)? {
        if let Some(place) = carry(facts, from, to, &key(facts, to, &row)?, at) {
            carried.push((place, row.used));
        }
    }
    Ok(carried)
}

/// The base subscription of the group that ended last before this one began.
fn predecessor<'a>(facts: &'a Facts, to: &Subscription) -> Option<&'a Subscription> {
    facts
        .subscriptions
        .iter()
        .filter(|one| to.base && one.base && one.group_id == to.group_id && one.id != to.id)
        .filter(|one| one.is_former() && one.ended_at.is_some_and(|end| end <= to.started_at))
        .max_by_key(|one| (one.ended_at, one.started_at, one.id))
}

fn key(facts: &Facts, to: &Subscription, row: &Running) -> Result<MeterKey> {
    let subject = if facts.credit_systems.contains_key(&row.subject_id) {
        Subject::CreditSystem(row.subject_id)
    } else {
        Subject::Feature(row.subject_id)
    };
    let cadence = Cadence::parse(&row.cadence)
        .map_err(|_| Error::internal(format!("cadence \"{}\" of a meter", row.cadence)))?;
    Ok(MeterKey {
        customer_id: facts.customer_id,
        entity: row.entity.clone(),
        subject,
        source: MeterSource::Group(to.group_id),
        cadence,
        anchor: row.anchor_at.map_or(Anchor::Calendar, Anchor::At),
        count_number: row.count_number,
        origin: None,
    })
}
