//! Carrying usage to the meters of the subscription that takes a plan group over.
//!
//! Called when a life is saved. Invariant: what is used of running periods counts on, once: the
//! amounts are those of the latest state under the customer's lock. Deliberately absent: where
//! usage goes, which the domain decides per meter.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::meter::Running;
use crate::error::{Error, Result};
use crate::meter::{self, Posting};
use owostack_domain::entitlement::facts::{Facts, Subject, Subscription};
use owostack_domain::interval::Cadence;
use owostack_domain::meter_key::{MeterKey, MeterSource};
use owostack_domain::period::Anchor;
use owostack_domain::quantity::Quantity;
use owostack_domain::subscription::carry::carry;

/// Carries what is used in each group whose place is taken by one of `begun`, in their order.
///
/// # Errors
/// As the statements.
pub fn carry_over(customer: &Customer, facts: &Facts, begun: &[Subscription]) -> Result<()> {
    for to in begun.iter().filter(|one| one.base) {
        let Some(from) = predecessor(facts, to) else {
            continue;
        };
        let running = db::meter::running(
            &Snapshot::latest()?,
            customer.id,
            to.group_id,
            to.started_at,
        )?;
        let mut postings = Vec::new();
        for row in running {
            let key = key(customer, facts, to, &row)?;
            let Some(place) = carry(facts, from, to, &key, to.started_at) else {
                continue;
            };
            postings.push(Posting {
                feature_id: place.key.subject.id(),
                key: place.key,
                period: place.period,
                amount: row.used,
                units: Quantity::ZERO,
                kind: "carry",
                at: to.started_at,
                entity: None,
                metadata: None,
            });
        }
        if !postings.is_empty() {
            meter::post(&postings)?;
        }
    }
    Ok(())
}

/// The base subscription of the group that ended last before this one began.
fn predecessor<'a>(facts: &'a Facts, to: &Subscription) -> Option<&'a Subscription> {
    facts
        .subscriptions
        .iter()
        .filter(|one| one.base && one.group_id == to.group_id && one.id != to.id)
        .filter(|one| one.is_former() && one.ended_at.is_some_and(|end| end <= to.started_at))
        .max_by_key(|one| (one.ended_at, one.started_at, one.id))
}

fn key(customer: &Customer, facts: &Facts, to: &Subscription, row: &Running) -> Result<MeterKey> {
    let subject = if facts.credit_systems.contains_key(&row.subject_id) {
        Subject::CreditSystem(row.subject_id)
    } else {
        Subject::Feature(row.subject_id)
    };
    let cadence = Cadence::parse(&row.cadence)
        .map_err(|_| Error::internal(format!("cadence \"{}\" of a meter", row.cadence)))?;
    Ok(MeterKey {
        customer_id: customer.id,
        entity: row.entity.clone(),
        subject,
        source: MeterSource::Group(to.group_id),
        cadence,
        anchor: row.anchor_at.map_or(Anchor::Calendar, Anchor::At),
        count_number: row.count_number,
        origin: None,
    })
}
