//! What a plan allowance may roll over: its terms, period by period.
//!
//! Called by resolution, which attaches the result to a template source. Invariant: a period rolls
//! over by the terms in force at its end, under the plan that was live then; trials never do.
//! Deliberately absent: usage, and with it the amounts (`rollover`).

use std::cmp::Reverse;

use chrono::TimeDelta;

use super::allowance::{Allowance, Asked, allowance, meter_source};
use super::facts::{Facts, PlanFeature, Status, Subscription};
use crate::interval::Interval;
use crate::period::{Schedule, Time};
use crate::rollover::{RolloverPlan, RolloverTerm};

/// The rollover of an allowance; `None` when nothing can have been left over, now or later.
///
/// The first period has one too: what a late event takes from it may have rolled over since.
pub(crate) fn rollover_plan(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    now: &Allowance,
) -> Option<RolloverPlan> {
    let keeps = feature.rollover && feature.limit.is_some() && !feature.usage_based;
    if !keeps || now.schedule.cadence.interval == Interval::Never {
        return None;
    }
    let mut terms = Vec::new();
    for other in &facts.subscriptions {
        if meter_source(other) != meter_source(subscription) {
            continue;
        }
        let moment = representative(other, subscription, asked.at);
        if let Some(rules) = entry(facts, other, feature) {
            let then = allowance(
                Asked {
                    at: moment,
                    ..asked
                },
                other,
                rules,
            );
            if then.meter == now.meter {
                push_terms(&mut terms, facts, asked, other, rules, &then);
            }
        }
    }
    let terms = without_overlap(terms);
    let first = terms.first()?.first;
    (first <= now.period.number).then(|| RolloverPlan {
        meter: now.meter.clone(),
        meter_id: now.meter.id(),
        schedule: now.schedule,
        number: now.period.number,
        first,
        terms,
        expires_after: feature.rollover_expires_after,
    })
}

/// A moment at which a subscription's terms are those that matter: its last, or the one asked for.
fn representative(other: &Subscription, asked_for: &Subscription, at: Time) -> Time {
    match other.ended_at {
        _ if other.id == asked_for.id => at,
        Some(ended) => ended
            .checked_sub_signed(TimeDelta::microseconds(1))
            .unwrap_or(ended),
        None => at.max(other.started_at),
    }
}

/// What the plan of another subscription says about the same subject.
fn entry<'a>(
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

/// Adds the terms of one subscription, oldest first.
fn push_terms(
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
    .fold(subscription.started_at, Time::max);
    let mut first = schedule.period_at(began).number;
    let last = match subscription.ended_at {
        Some(ended) => last_ended_by(&schedule, ended),
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
        });
    }
}

/// The last period that ends at or before a moment.
fn last_ended_by(schedule: &Schedule, at: Time) -> i64 {
    schedule.period_at(at).number.saturating_sub(1)
}

/// Ascending; where two overlap, which no exclusive group allows, the later one begins later.
fn without_overlap(mut terms: Vec<RolloverTerm>) -> Vec<RolloverTerm> {
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
