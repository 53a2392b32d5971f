//! Where usage goes when a switch moves the meter that it was counted on.
//!
//! Called by `flow/` for each running meter of a plan group when another subscription takes the
//! group over. Invariants: what was used of the running period counts against the new limit,
//! except where a fresh count was promised; a subject that the new plan lacks is carried as well,
//! for the plan after it; who took whose place is what rows say, and not how ids sort. Deliberately
//! absent: amounts, which the rows have.

use crate::entitlement::allowance::{Asked, allowance};
use crate::entitlement::facts::{Facts, PlanFeature, Subscription};
use crate::hold::Place;
use crate::meter_key::MeterKey;
use crate::period::{Anchor, Schedule, Time};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The place that the usage of a running meter is carried to; `None` where it may stay.
///
/// It stays on meters that `from` does not count on, on those that `to` goes on with, and where
/// `to` starts a fresh count.
#[must_use]
pub fn carry(
    facts: &Facts,
    from: &Subscription,
    to: &Subscription,
    running: &MeterKey,
    at: Time,
) -> Option<Place> {
    let old = from.start_of(running.subject);
    let new = to.start_of(running.subject);
    let asked = Asked {
        customer_id: running.customer_id,
        zone: facts.zone,
        entity: running.entity.as_deref(),
        at,
    };
    let counted_by_from = running.origin.is_none()
        && running.count_number == old.count_number
        && match (feature_of(facts, from, running), running.anchor) {
            // What an earlier plan counted in another rhythm is in this count already.
            (Some(feature), _) => allowance(asked, from, feature).meter == *running,
            (None, Anchor::Calendar) => true,
            (None, Anchor::At(anchor)) => anchor == old.anchor_at,
        };
    if !counted_by_from || new.count_number != old.count_number {
        return None;
    }
    let place = own_place(facts, to, running, at)
        .unwrap_or_else(|| leftover(facts, new.anchor_at, running, at));
    (place.key != *running).then_some(place)
}

/// Where a subscription counts the subject of a meter at a moment, by the same scope; `None` where its
/// plan has no word on it.
#[must_use]
pub fn own_place(
    facts: &Facts,
    subscription: &Subscription,
    running: &MeterKey,
    at: Time,
) -> Option<Place> {
    let asked = Asked {
        customer_id: running.customer_id,
        zone: facts.zone,
        entity: running.entity.as_deref(),
        at,
    };
    let allowance = allowance(
        asked,
        subscription,
        feature_of(facts, subscription, running)?,
    );
    Some(Place {
        key: allowance.meter,
        period: allowance.period,
    })
}

/// Puts subscriptions into the order in which usage goes from one to the next, also where several
/// began in one moment.
pub fn put_in_succession(begun: &mut [Subscription]) {
    let follows: BTreeMap<Uuid, Option<Uuid>> =
        begun.iter().map(|one| (one.id, one.follows)).collect();
    let before = |id: Uuid| follows.get(&id).copied().flatten();
    let place = |one: &Subscription| {
        // No chain is longer than all of them.
        let chain = std::iter::successors(Some(one.id), |id| before(*id));
        chain
            .take(follows.len())
            .filter(|id| follows.contains_key(id))
            .count()
    };
    begun.sort_by_cached_key(|one| (one.stage_began_at(), place(one), one.id));
}

fn feature_of<'a>(
    facts: &'a Facts,
    to: &Subscription,
    running: &MeterKey,
) -> Option<&'a PlanFeature> {
    let mut features = facts.plan_features.iter();
    features.find(|one| one.plan_id == to.plan_id && one.subject == running.subject)
}

/// The new plan says nothing about the subject: the same rhythm from the new anchor.
fn leftover(facts: &Facts, anchor_at: Time, running: &MeterKey, at: Time) -> Place {
    let anchor = match running.anchor {
        Anchor::Calendar => Anchor::Calendar,
        Anchor::At(_) => Anchor::At(anchor_at),
    };
    let schedule = Schedule {
        cadence: running.cadence,
        anchor,
        zone: facts.zone,
    };
    Place {
        key: MeterKey {
            anchor,
            ..running.clone()
        },
        period: schedule.period_at(at),
    }
}

#[cfg(test)]
#[path = "carry_tests.rs"]
pub(super) mod tests;
