//! Which subscription took the place of which, and what of the chain rollover may look through.
//!
//! Called by `rolling`. Invariants: each subscription is followed by one at most, as rows say and not
//! as ids sort; behind a moved anchor nothing is seen, because the meter that was drawn from until
//! then is named nowhere. Deliberately absent: meters and terms.

use chrono::TimeDelta;

use super::allowance::meter_source;
use super::facts::{Facts, PlanFeature, Status, Subscription};
use crate::period::Time;

/// An edit of the catalog waits for a boundary, and no period lasts longer.
const SETTLED_AFTER: TimeDelta = TimeDelta::days(366 * 100);

/// The base subscription whose place another one took when it began.
pub(super) fn predecessor<'a>(facts: &'a Facts, next: &Subscription) -> Option<&'a Subscription> {
    facts
        .subscriptions
        .iter()
        .filter(|one| next.base && one.base && one.group_id == next.group_id)
        .filter(|one| one.is_former() && one.ended_at == Some(next.started_at))
        .find(|one| next.follows == Some(one.id))
}

/// The base subscription that took the place of one that ended at that moment.
pub(super) fn successor<'a>(
    facts: &'a Facts,
    before: &Subscription,
    ended: Time,
) -> Option<&'a Subscription> {
    facts
        .subscriptions
        .iter()
        .filter(|one| one.status != Status::Incomplete && one.started_at == ended)
        .find(|one| predecessor(facts, one).is_some_and(|found| found.id == before.id))
}

/// When a provider last moved an anchor on the meters that a subscription counts on.
pub(super) fn moved_at(facts: &Facts, subscription: &Subscription) -> Option<Time> {
    let source = meter_source(subscription);
    let same = facts.subscriptions.iter();
    let same = same.filter(|one| meter_source(one) == source);
    same.filter_map(|one| one.anchor_moved_at).max()
}

/// A moment at which a subscription's terms are those that matter: its last, or the one asked for.
pub(super) fn representative(other: &Subscription, asked_for: &Subscription, at: Time) -> Time {
    match other.ended_at {
        _ if other.id == asked_for.id => at,
        Some(ended) => just_before(ended),
        None => at.max(other.started_at),
    }
}

/// The last moment before another one.
pub(super) fn just_before(at: Time) -> Time {
    at.checked_sub_signed(TimeDelta::microseconds(1))
        .unwrap_or(at)
}

/// The last moment of a subscription, or one at which all that is in the catalog has come into force.
pub(super) fn last_moment(subscription: &Subscription, at: Time) -> Time {
    let settled = at.max(subscription.started_at);
    match subscription.ended_at {
        Some(ended) => just_before(ended),
        None => settled.checked_add_signed(SETTLED_AFTER).unwrap_or(settled),
    }
}

/// What the plan of another subscription says about the same subject.
pub(super) fn entry<'a>(
    facts: &'a Facts,
    other: &Subscription,
    feature: &PlanFeature,
) -> Option<&'a PlanFeature> {
    let live = !matches!(other.status, Status::Incomplete | Status::Trialing);
    facts
        .plan_features
        .iter()
        .filter(|entry| entry.plan_id == other.plan_id && entry.subject == feature.subject)
        .filter(|entry| live && entry.enabled)
        .min_by_key(|entry| entry.id)
}
