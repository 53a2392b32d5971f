//! Which subscription took the place of which, and what of the chain rollover may look through.
//!
//! Called by `rolling`, stage by stage: where a provider moves an anchor a subscription takes its own
//! place. Invariants: each is followed by one at most, as rows say and not as ids sort; before the oldest
//! stage that is known nothing is seen. Deliberately absent: meters and terms.

use chrono::TimeDelta;

use super::facts::{Facts, PlanFeature, Status, Subscription};
use crate::period::Time;

/// An edit of the catalog waits for a boundary, and no period lasts longer.
const SETTLED_AFTER: TimeDelta = TimeDelta::days(366 * 100);

/// What another one took the place of at the moment when it began.
pub(super) fn predecessor<'a>(
    facts: &'a Facts,
    next: &'a Subscription,
) -> Option<&'a Subscription> {
    if next.anchor_moved_at.is_some() {
        return next.earlier.as_deref();
    }
    facts
        .subscriptions
        .iter()
        .filter(|one| next.base && one.base && one.group_id == next.group_id)
        .filter(|one| one.is_former() && one.ended_at == Some(next.started_at))
        .find(|one| next.follows == Some(one.id))
}

/// What took the place of one that ended at that moment.
pub(super) fn successor<'a>(
    facts: &'a Facts,
    before: &Subscription,
    ended: Time,
) -> Option<&'a Subscription> {
    facts
        .stages()
        .filter(|one| one.status != Status::Incomplete && one.stage_began_at() == ended)
        .find(|one| predecessor(facts, one).is_some_and(|found| found.is_stage(before)))
}

/// A moment at which a subscription's terms are those that matter: its last, or the one asked for.
pub(super) fn representative(other: &Subscription, asked_for: &Subscription, at: Time) -> Time {
    match other.ended_at {
        _ if other.is_stage(asked_for) => at,
        Some(ended) => just_before(ended),
        None => at.max(other.stage_began_at()),
    }
}

/// The last moment before another one.
pub(super) fn just_before(at: Time) -> Time {
    at.checked_sub_signed(TimeDelta::microseconds(1))
        .unwrap_or(at)
}

/// The last moment of a subscription, or one at which all that is in the catalog has come into force.
pub(super) fn last_moment(subscription: &Subscription, at: Time) -> Time {
    let settled = at.max(subscription.stage_began_at());
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
