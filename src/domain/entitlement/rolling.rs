//! What a plan allowance may roll over: its terms, period by period, and what it inherits.
//!
//! Called by resolution, which attaches the result to a template source. Invariant: a period rolls
//! over by the terms in force at its end, under the plan that was live then, which says too how long
//! rests are kept at that boundary; trials never do. A late event leaves what later plans drew of it. A
//! switch that moves the meter leaves what had rolled over to the meter that takes its place, and so do a
//! provider that moves an anchor and another rhythm in the catalog.
//! Deliberately absent: usage, and with it the amounts (`rollover`).

use super::allowance::{Allowance, Asked, allowance, meter_source};
use super::facts::{Facts, PlanFeature, Subscription};
use super::succession::{entry, just_before, last_moment, predecessor, representative, successor};
use super::term::{push_terms, without_overlap};
use crate::interval::Interval;
use crate::period::Time;
use crate::rollover::{Inherited, RolloverPlan};
use crate::subscription::lineage::counted_before;

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
        resumed: heir.is_some(),
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
    let mut run = run(facts, asked, subscription, feature, now, switches);
    let meter_id = now.meter.id();
    let lap = run.inherited.as_mut();
    let lap = lap.map_or(0, |inherited| inherited.take_up(meter_id, inherited.number));
    let mut terms = Vec::new();
    for other in facts.stages() {
        // What the meter counted before it was left and taken up again is inherited, or gone.
        if other.stage_began_at() < run.since || meter_source(other) != meter_source(subscription) {
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
    let taken_over = run.inherited.as_ref().map(|inherited| inherited.number);
    let first = taken_over.or(terms.first().map(|term| term.first))?;
    Some(RolloverPlan {
        meter: now.meter.clone(),
        meter_id,
        schedule: now.schedule,
        number: now.period.number,
        first,
        terms,
        expires_after: feature.rollover_expires_after,
        gives: true,
        lap,
        resumed: false,
        inherited: run.inherited.map(Box::new),
        heir: None,
    })
}

/// Stages that counted on a meter without leaving it.
struct Run {
    /// When the first of them began.
    since: Time,
    /// What the meter before left them.
    inherited: Option<Inherited>,
}

/// The run on a meter that a subscription belongs to.
///
/// A switch hands down, and so do a provider that moves the anchor and a catalog that gives a plan another
/// rhythm; where entities share what each had to itself nothing does, nor over a time without the
/// feature.
fn run(
    facts: &Facts,
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
    now: &Allowance,
    switches: usize,
) -> Run {
    let (mut first, mut rules, mut then) = (subscription, feature, now.clone());
    // What is walked through to find them, and whether one took the place of the other until there.
    let (mut next, mut unbroken) = (subscription, true);
    for _ in facts.stages() {
        if then.since > first.counts_from(feature.subject) {
            let inherited = edited(facts, asked, (first, rules), now, then.since, switches);
            return Run {
                since: first.stage_began_at(),
                inherited,
            };
        }
        let Some(before) = counted_before(facts, next) else {
            break;
        };
        unbroken &= predecessor(facts, next).is_some_and(|one| one.is_stage(before));
        next = before;
        let Some(entry) = entry(facts, before, feature) else {
            unbroken = false;
            continue;
        };
        let asked = Asked {
            at: representative(before, subscription, asked.at),
            ..asked
        };
        let earlier = allowance(asked, before, entry);
        if earlier.meter == now.meter {
            (first, rules, then) = (before, entry, earlier);
            continue;
        }
        let inherited = unbroken
            .then(|| {
                switched(
                    facts,
                    asked,
                    (before, entry, &earlier),
                    (first, now),
                    switches,
                )
            })
            .flatten();
        return Run {
            since: first.stage_began_at(),
            inherited,
        };
    }
    Run {
        since: first.stage_began_at(),
        inherited: None,
    }
}
/// What the meter left that the last one before the run counted on, which the first one took the place of.
fn switched(
    facts: &Facts,
    asked: Asked<'_>,
    last: (&Subscription, &PlanFeature, &Allowance),
    first: (&Subscription, &Allowance),
    switches: usize,
) -> Option<Inherited> {
    let (before, rules, earlier) = last;
    let (first, now) = first;
    if earlier.meter.entity != now.meter.entity {
        return None;
    }
    let at = before.ended_at?;
    let plan = stage(
        facts,
        asked,
        before,
        rules,
        earlier,
        switches.checked_sub(1)?,
    )?;
    let began = first.counts_from(rules.subject);
    let over = before.period_over;
    Some(Inherited {
        plan: RolloverPlan {
            number: earlier.number_at(at).saturating_add(over.into()),
            ..plan
        },
        cut: !over,
        at,
        number: now.number_at(began),
    })
}

/// What the meter left that a subscription counted on until the catalog's new rhythm came into force, at a
/// boundary of the old one: all that there was by then.
fn edited(
    facts: &Facts,
    asked: Asked<'_>,
    run: (&Subscription, &PlanFeature),
    now: &Allowance,
    at: Time,
    switches: usize,
) -> Option<Inherited> {
    let (subscription, rules) = run;
    let asked = Asked {
        at: just_before(at),
        ..asked
    };
    let earlier = allowance(asked, subscription, rules);
    let plan = stage(
        facts,
        asked,
        subscription,
        rules,
        &earlier,
        switches.checked_sub(1)?,
    )?;
    Some(Inherited {
        plan: RolloverPlan {
            number: earlier.number_at(at),
            ..plan
        },
        cut: false,
        at,
        number: now.number_at(at),
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
    for _ in facts.stages() {
        let asked = Asked {
            at: last_moment(last, asked.at),
            ..asked
        };
        let then = allowance(asked, last, rules);
        let inherits = stage(facts, asked, last, rules, &then, SWITCHES_MAX)
            .filter(|stage| !stage.is_run_of(plan) && stage.inherits_from(plan.meter_id));
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
