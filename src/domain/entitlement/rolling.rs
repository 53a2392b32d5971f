//! What a plan allowance may roll over: its terms, period by period, and what it inherits.
//!
//! Called by resolution, which attaches the result to a template source. Invariant: a period rolls
//! over by the terms in force at its end, under the plan that was live then, which says too how long
//! rests are kept at that boundary; trials never do. A late event leaves what later plans drew of it. A
//! switch that moves the meter leaves what had rolled over to the meter that takes its place, and so does
//! another rhythm in the catalog; a provider that moves an anchor ends it.
//! Deliberately absent: usage, and with it the amounts (`rollover`).

use super::allowance::{Allowance, Asked, allowance, meter_source};
use super::facts::{Facts, PlanFeature, Subscription};
use super::succession::{
    entry, just_before, last_moment, moved_at, predecessor, representative, successor,
};
use super::term::{push_terms, without_overlap};
use crate::interval::Interval;
use crate::period::Time;
use crate::rollover::{Inherited, RolloverPlan};

/// Most switches in a row that a rest is followed through: each costs a look at its meter's usage.
const SWITCHES_MAX: usize = 32;

/// The rollover of an allowance; `None` when nothing can have been left over, now or later.
///
/// The first period has one too: what a late event takes from it may have rolled over since. So does a
/// plan that rolls nothing over: for a late event where a later plan does with the same meter, and
/// where the catalog let it do so before.
pub(crate) fn rollover_plan(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    now: &Allowance,
) -> Option<RolloverPlan> {
    let gives = feature.rollover && feature.limit.is_some() && !feature.usage_based;
    let is_late = subscription.ended_at.is_some_and(|end| end > asked.at);
    let gave = feature.history.iter().any(|past| past.rollover);
    if !gives && !is_late && !gave {
        return None;
    }
    let plan = stage(facts, asked, subscription, feature, now, SWITCHES_MAX)?;
    let heir = heir(facts, asked, subscription, feature, &plan).map(Box::new);
    let number = now.period.number;
    let matters = gives || heir.is_some() || plan.terms.iter().any(|term| term.last >= number);
    (plan.first <= number && matters).then_some(RolloverPlan {
        heir,
        gives,
        ..plan
    })
}

/// The rollover of one meter, whatever its plan says now: its terms do. It inherits through at most
/// `switches`.
fn stage(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    now: &Allowance,
    switches: usize,
) -> Option<RolloverPlan> {
    if now.schedule.cadence.interval == Interval::Never {
        return None;
    }
    let (inherited, since) = match inherited(facts, asked, subscription, feature, now, switches) {
        Some((inherited, since)) => (Some(Box::new(inherited)), Some(since)),
        None => (None, None),
    };
    let mut terms = Vec::new();
    for other in &facts.subscriptions {
        // What the meter counted before it was left and taken up again is inherited.
        let earlier = since.is_some_and(|since| other.started_at < since);
        if earlier || meter_source(other) != meter_source(subscription) {
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
    if let Some(moved) = moved_at(facts, subscription) {
        let first = now.schedule.period_at(moved).number;
        terms.retain(|term| term.last >= first);
        for term in &mut terms {
            term.first = term.first.max(first);
        }
    }
    let terms = without_overlap(terms);
    let taken_over = inherited.as_ref().map(|inherited| inherited.number);
    let first = taken_over.or(terms.first().map(|term| term.first))?;
    Some(RolloverPlan {
        meter: now.meter.clone(),
        meter_id: now.meter.id(),
        schedule: now.schedule,
        number: now.period.number,
        first,
        terms,
        expires_after: feature.rollover_expires_after,
        gives: true,
        inherited,
        heir: None,
    })
}

/// What the meter before left, and since when subscriptions count on the one that took its place.
///
/// A switch hands down, and so does a catalog that gives a plan another rhythm; where entities share
/// what each had to itself, nothing does, and nothing that began before an anchor was moved inherits.
fn inherited(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    now: &Allowance,
    switches: usize,
) -> Option<(Inherited, Time)> {
    let left = switches.checked_sub(1)?;
    let (mut first, mut rules, mut then) = (subscription, feature, now.clone());
    let moved = moved_at(facts, subscription);
    for _ in &facts.subscriptions {
        let began = first.counts_from(feature.subject);
        if then.since > began {
            let at = then.since;
            if moved.is_some_and(|moved| at < moved) {
                return None;
            }
            let plan = edited(facts, asked, first, rules, at, left)?;
            let number = now.schedule.period_at(at).number;
            let inherited = Inherited {
                plan,
                cut: false,
                at,
                number,
            };
            return Some((inherited, first.started_at));
        }
        if first.anchor_moved_at.is_some() || moved.is_some_and(|moved| first.started_at < moved) {
            return None;
        }
        let before = predecessor(facts, first)?;
        rules = entry(facts, before, feature)?;
        let asked = Asked {
            at: representative(before, first, asked.at),
            ..asked
        };
        let earlier = allowance(asked, before, rules);
        if earlier.meter.entity != now.meter.entity {
            return None;
        }
        if earlier.meter == now.meter {
            (first, then) = (before, earlier);
            continue;
        }
        let at = before.ended_at?;
        let plan = RolloverPlan {
            number: earlier.schedule.period_at(at).number,
            ..stage(facts, asked, before, rules, &earlier, left)?
        };
        let number = now.schedule.period_at(began).number;
        let inherited = Inherited {
            plan,
            cut: true,
            at,
            number,
        };
        return Some((inherited, first.started_at));
    }
    None
}

/// The rollover of the meter that a subscription counted on until the catalog's new rhythm came into
/// force, at a boundary of the old one: all that was left by then.
fn edited(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    rules: &PlanFeature,
    at: Time,
    switches: usize,
) -> Option<RolloverPlan> {
    let asked = Asked {
        at: just_before(at),
        ..asked
    };
    let earlier = allowance(asked, subscription, rules);
    let plan = stage(facts, asked, subscription, rules, &earlier, switches)?;
    Some(RolloverPlan {
        number: earlier.schedule.period_at(at).number,
        ..plan
    })
}

/// The rollover of the last meter that inherits from the one of a late event, or of a rhythm that will
/// give way.
fn heir(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    plan: &RolloverPlan,
) -> Option<RolloverPlan> {
    let (mut last, mut rules) = (subscription, feature);
    let mut heir = None;
    for _ in &facts.subscriptions {
        let asked = Asked {
            at: last_moment(last, asked.at),
            ..asked
        };
        let then = allowance(asked, last, rules);
        let inherits = stage(facts, asked, last, rules, &then, SWITCHES_MAX)
            .filter(|stage| stage.inherits_from(plan.meter_id));
        if inherits.is_none() && then.meter != plan.meter {
            break;
        }
        heir = inherits.or(heir);
        let next = last.ended_at.and_then(|end| successor(facts, last, end));
        let entry = next.and_then(|next| Some((next, entry(facts, next, feature)?)));
        let Some(next) = entry else {
            break;
        };
        (last, rules) = next;
    }
    heir
}
