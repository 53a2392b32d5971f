//! What a subscription's plan says of the rests of its periods, stretch by stretch.
//!
//! Called by `rolling` for each subscription that counts on a meter. Invariant: a period follows the
//! values that were in the catalog at its end, and belongs to the subscription that it ended under.
//! Deliberately absent: what a meter inherits.

use std::cmp::Reverse;

use super::allowance::{Allowance, Asked};
use super::facts::{Facts, PlanFeature, Subscription};
use crate::period::{Schedule, Time};
use crate::rollover::RolloverTerm;

/// Adds the terms of one subscription, oldest first.
pub(super) fn push_terms(
    terms: &mut Vec<RolloverTerm>,
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    then: &Allowance,
) {
    let schedule = then.schedule;
    let entity_added = asked
        .entity
        .filter(|_| then.meter.entity.is_some())
        .and_then(|entity| facts.entity_added.get(entity).copied());
    let trial_end = subscription
        .trial_ends_at
        .filter(|end| *end <= asked.at || subscription.ended_at.is_some());
    let began = [
        Some(then.since),
        Some(feature.created_at),
        entity_added,
        trial_end,
    ]
    .into_iter()
    .flatten()
    .fold(subscription.stage_began_at(), Time::max);
    let mut first = schedule.period_at(began).number;
    let last = match subscription.ended_at {
        // A provider's renewal ends the period that it cuts short.
        Some(ended) => {
            last_ended_by(&schedule, ended).saturating_add(subscription.period_over.into())
        }
        None => i64::MAX,
    };
    let mut past: Vec<_> = feature.history.iter().collect();
    past.sort_by_key(|values| values.valid_until);
    for values in past {
        let until = last_ended_by(&schedule, values.valid_until).min(last);
        if until < first {
            continue;
        }
        if values.rollover {
            terms.push(RolloverTerm {
                first,
                last: until,
                limit: values.limit,
                cap: values.rollover_limit,
                expires_after: feature.rollover_expires_after,
            });
        }
        first = until.saturating_add(1);
    }
    if feature.rollover && first <= last {
        terms.push(RolloverTerm {
            first,
            last,
            limit: feature.limit.filter(|_| !feature.usage_based),
            cap: feature.rollover_limit,
            expires_after: feature.rollover_expires_after,
        });
    }
}

/// The last period that ends at or before a moment.
fn last_ended_by(schedule: &Schedule, at: Time) -> i64 {
    schedule.period_at(at).number.saturating_sub(1)
}

/// Ascending; where two overlap, which no exclusive group allows, the later one begins later.
pub(super) fn without_overlap(mut terms: Vec<RolloverTerm>) -> Vec<RolloverTerm> {
    terms.sort_by_key(|term| (term.first, Reverse(term.last), term.limit, term.cap));
    let mut tiled: Vec<RolloverTerm> = Vec::with_capacity(terms.len());
    for mut term in terms {
        if let Some(before) = tiled.last() {
            term.first = term.first.max(before.last.saturating_add(1));
            if before.last == i64::MAX {
                continue;
            }
        }
        if term.first <= term.last {
            tiled.push(term);
        }
    }
    tiled
}
