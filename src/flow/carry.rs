//! Carrying usage to the meters of the subscription that takes a plan group over.
//!
//! Called when a life is saved, and by reads that see a switch before it is a row. Invariant: what
//! is used of running periods counts on, once: the amounts are those of the latest state under the
//! customer's lock. Deliberately absent: where usage goes, which the domain decides per meter.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::meter::Running;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::hold;
use crate::meter::{self, Posting};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Facts, Subject, Subscription};
use owostack_domain::hold::{Place, held_of};
use owostack_domain::interval::Cadence;
use owostack_domain::meter_key::{MeterKey, MeterPeriod, MeterSource};
use owostack_domain::period::{Anchor, Schedule};
use owostack_domain::quantity::Quantity;
use owostack_domain::subscription::carry::carry;
use std::collections::HashMap;
use uuid::Uuid;

/// Carries what is used in each group whose place is taken by one of `begun`, in their order.
///
/// # Errors
/// As the statements.
pub fn carry_over(facts: &Facts, begun: &[Subscription]) -> Result<()> {
    for to in begun {
        let carried = carried(&Snapshot::latest()?, facts, to)?;
        post(facts, carried, to.started_at)?;
    }
    Ok(())
}

/// Counts what is carried where it goes; holds follow.
fn post(facts: &Facts, carried: Vec<Carried>, at: DateTime<Utc>) -> Result<()> {
    let mut postings = Vec::with_capacity(carried.len());
    for moved in &carried {
        for (feature_id, amount) in shares(facts, moved, at)? {
            postings.push(Posting {
                feature_id,
                key: moved.to.key.clone(),
                period: moved.to.period,
                amount,
                units: Quantity::ZERO,
                kind: "carry",
                at,
                entity: None,
                metadata: None,
            });
        }
    }
    if !postings.is_empty() {
        meter::post(&postings)?;
    }
    let places = carried.into_iter().map(|moved| (moved.from, moved.to));
    hold::follow(facts.customer_id, at, &places.collect::<Vec<_>>())
}

/// What is carried, by the feature that drew it: each may give back its own part of a pool of credits.
/// What is held is nobody's yet.
fn shares(facts: &Facts, moved: &Carried, at: DateTime<Utc>) -> Result<Vec<(Uuid, Quantity)>> {
    let key = &moved.from;
    let mut shares = Vec::new();
    if let Subject::CreditSystem(_) = key.subject {
        let schedule = Schedule {
            cadence: key.cadence,
            anchor: key.anchor,
            zone: facts.zone,
        };
        let place = key.in_period(schedule.period_at(at).number);
        shares = db::meter::shares(&Snapshot::latest()?, facts.customer_id, place)?;
    }
    let known = Quantity::checked_sum(shares.iter().map(|(_, amount)| *amount));
    let rest = known.map(|known| moved.amount.saturating_sub_to_zero(known));
    let Some(rest) = rest else {
        return Err(Error::out_of_range("carried usage is out of range"));
    };
    if rest.is_positive() {
        shares.push((key.subject.id(), rest));
    }
    Ok(shares)
}

/// Carries what is used of a subscription whose periods are counted from another moment now.
///
/// # Errors
/// As the statements.
pub fn carry_along(
    facts: &Facts,
    before: &Subscription,
    after: &Subscription,
    at: DateTime<Utc>,
) -> Result<()> {
    let source = if after.base {
        MeterSource::Group(after.group_id)
    } else {
        MeterSource::Subscription(after.id)
    };
    let carried = between(&Snapshot::latest()?, facts, before, after, source, at)?;
    post(facts, carried, at)
}

/// What [`carry_over`] would add to each meter and period.
///
/// # Errors
/// As the statements.
pub fn projected(
    context: &Context,
    snapshot: &Snapshot,
    facts: &Facts,
    begun: &[Subscription],
) -> Result<HashMap<MeterPeriod, Quantity>> {
    let mut sums: HashMap<MeterPeriod, Quantity> = HashMap::new();
    if begun.is_empty() {
        return Ok(sums);
    }
    // Holds whose time is over end before anything is carried.
    let due = hold::due_lines(context, facts.customer_id)?;
    for to in begun {
        for moved in carried(snapshot, facts, to)? {
            let ended = held_of(&due, &moved.from, to.started_at);
            let sum = sums.entry(moved.to.meter_period()).or_default();
            *sum = sum
                .checked_add(moved.amount.saturating_sub_to_zero(ended))
                .ok_or_else(|| Error::out_of_range("carried usage is out of range"))?;
        }
    }
    Ok(sums)
}

/// Usage that counts elsewhere as well.
struct Carried {
    from: MeterKey,
    to: Place,
    amount: Quantity,
}

/// Where the running usage of a group goes that this subscription takes over, and how much.
fn carried(snapshot: &Snapshot, facts: &Facts, to: &Subscription) -> Result<Vec<Carried>> {
    let Some(from) = predecessor(facts, to) else {
        return Ok(Vec::new());
    };
    let source = MeterSource::Group(to.group_id);
    between(snapshot, facts, from, to, source, to.started_at)
}

fn between(
    snapshot: &Snapshot,
    facts: &Facts,
    from: &Subscription,
    to: &Subscription,
    source: MeterSource,
    at: DateTime<Utc>,
) -> Result<Vec<Carried>> {
    let mut carried = Vec::new();
    for row in db::meter::running(snapshot, facts.customer_id, source.id(), at)? {
        let key = key(facts, source, &row)?;
        if let Some(place) = carry(facts, from, to, &key, at) {
            carried.push(Carried {
                from: key,
                to: Place {
                    key: place.key,
                    period: place.period,
                },
                amount: row.used,
            });
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

fn key(facts: &Facts, source: MeterSource, row: &Running) -> Result<MeterKey> {
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
        source,
        cadence,
        anchor: row.anchor_at.map_or(Anchor::Calendar, Anchor::At),
        count_number: row.count_number,
        origin: None,
    })
}
