//! What dates do: trial ends, cancellations, scheduled changes and renewals, in date order.
//!
//! Called on a copy by reads and on locked rows by writes, so that both see the same. Invariants:
//! idempotent; many short advances leave the same rows as one long one; a boundary that equals the
//! moment is reached; periods are computed from the anchor, so a long sleep is one renewal.
//! Deliberately absent: checkouts that wait, which end by their own date.

use super::open::{Opening, Origin};
use super::state::{Event, Outcome, decide};
use super::step::{Change, Step};
use super::tell::recurs;
use super::terms::Terms;
use crate::entitlement::facts::{Facts, PlanChange, Status, Subscription};
use crate::ids::derived;
use crate::period::Time;
use uuid::Uuid;

/// As the large payment providers do it.
const TRIAL_NOTICE_DAYS: u64 = 3;

/// Why a date matters; of several at one instant the first is applied first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Cancel,
    Change,
    TrialEnd,
}

/// A date of one subscription at which something other than a renewal is due.
type Due = (Time, Why, Uuid);

/// Applies everything that is due at or before `until`, and says what happened.
///
/// Renewals reach no further than the next other date, which may end what they renew.
pub fn advance(facts: &mut Facts, until: Time) -> Vec<Step> {
    for grant in &mut facts.grants {
        grant.expire(until);
    }
    let mut steps = Vec::new();
    // Each round ends a subscription, its trial or a scheduled change. What a round starts has no
    // such date of its own, so there are at most this many.
    let rounds = facts.subscriptions.len() * 2 + facts.plan_changes.len();
    for _ in 0..=rounds {
        let next = next_date(facts).filter(|(at, _, _)| *at <= until);
        renew(facts, until, next.map(|(at, _, _)| at), &mut steps);
        let Some((at, why, id)) = next else { break };
        match why {
            Why::Cancel => cancel(facts, id, at, &mut steps),
            Why::Change => change(facts, id, at, &mut steps),
            Why::TrialEnd => end_trial(facts, id, at, &mut steps),
        }
    }
    steps.sort_by_key(|step| step.at);
    steps
}

/// The next instant at which `advance` would do something.
#[must_use]
pub fn next_due(facts: &Facts) -> Option<Time> {
    let rows = facts.subscriptions.iter();
    rows.filter_map(|row| due_of(facts, row)).min()
}

/// The next instant at which `advance` would do something to this subscription.
#[must_use]
pub fn due_of(facts: &Facts, row: &Subscription) -> Option<Time> {
    let renewal = row.period_end.filter(|_| row.renews());
    let date = date_of(facts, row).map(|(at, _, _)| at);
    renewal.into_iter().chain(date).min()
}

/// When listeners are told that a trial is about to end: some days before, or when it begins.
#[must_use]
pub fn trial_notice_at(row: &Subscription) -> Option<Time> {
    let end = row
        .trial_ends_at
        .filter(|_| row.status == Status::Trialing)?;
    let notice = end.checked_sub_days(chrono::Days::new(TRIAL_NOTICE_DAYS))?;
    Some(notice.max(row.started_at))
}

fn next_date(facts: &Facts) -> Option<Due> {
    let rows = facts.subscriptions.iter();
    rows.filter_map(|row| date_of(facts, row)).min()
}

/// The first date other than a renewal.
fn date_of(facts: &Facts, row: &Subscription) -> Option<Due> {
    if !row.is_live() {
        return None;
    }
    let cancel = row.cancel_at.map(|at| (at, Why::Cancel, row.id));
    let trial = row
        .trial_ends_at
        .filter(|_| row.is_in_trial())
        .map(|at| (at, Why::TrialEnd, row.id));
    let change = change_of(facts, row.id).map(|one| (one.effective_at, Why::Change, row.id));
    [cancel, trial, change].into_iter().flatten().min()
}

fn change_of(facts: &Facts, id: Uuid) -> Option<&PlanChange> {
    facts
        .plan_changes
        .iter()
        .filter(|one| one.subscription_id == id)
        .min_by_key(|one| (one.effective_at, one.id))
}

/// Moves every renewing subscription to its period at `until`, or to the one before `date`.
fn renew(facts: &mut Facts, until: Time, date: Option<Time>, steps: &mut Vec<Step>) {
    let zone = facts.zone;
    for row in facts.subscriptions.iter_mut().filter(|one| one.renews()) {
        let Some(due) = row.period_end else { continue };
        // A period that would begin with the date is that date's business.
        let reached = match date {
            Some(date) => due < date,
            None => due <= until,
        };
        if !reached {
            continue;
        }
        let last = date.map_or(until, |date| date - chrono::TimeDelta::microseconds(1));
        row.renew_at(zone, due, last);
        let at = row.period_start.unwrap_or(due);
        steps.push(Step::new(at, row, Change::Renewed));
    }
}

fn find(facts: &mut Facts, id: Uuid) -> Option<&mut Subscription> {
    facts.subscriptions.iter_mut().find(|one| one.id == id)
}

/// Ends a subscription, with whatever was scheduled for it; `None` when it has ended before.
fn end(facts: &mut Facts, id: Uuid, event: Event, at: Time) -> Option<Subscription> {
    let row = find(facts, id)?;
    let Outcome::Becomes(status) = decide(row.status, event) else {
        return None;
    };
    row.status = status;
    row.ended_at = Some(at);
    let ended = row.clone();
    facts.plan_changes.retain(|one| one.subscription_id != id);
    Some(ended)
}

fn cancel(facts: &mut Facts, id: Uuid, at: Time, steps: &mut Vec<Step>) {
    if let Some(row) = end(facts, id, Event::CancelNow, at) {
        steps.push(Step::new(at, &row, Change::Canceled));
    }
}

fn end_trial(facts: &mut Facts, id: Uuid, at: Time, steps: &mut Vec<Step>) {
    let zone = facts.zone;
    let paid = facts.has_payment_method;
    let Some(row) = find(facts, id) else { return };
    // Of what a provider bills it says itself when nobody pays.
    if !paid && row.price > 0 && !row.linked {
        expire(facts, id, at, steps);
        return;
    }
    let outcome = decide(row.status, Event::TrialEnded { goes_on: true });
    // A trial is a counting period of its own: the paid time starts a fresh one.
    row.count_number = row.highest_count().saturating_add(1);
    row.anchor_at = at;
    row.feature_starts.clear();
    match row.one_time {
        true => row.period_end = None,
        false => row.enter_period(zone, at),
    }
    if let Outcome::Becomes(status) = outcome {
        row.status = status;
        steps.push(Step::new(at, row, Change::Activated));
    }
}

fn expire(facts: &mut Facts, id: Uuid, at: Time, steps: &mut Vec<Step>) {
    let Some(ended) = end(facts, id, Event::TrialEnded { goes_on: false }, at) else {
        return;
    };
    steps.push(Step::new(at, &ended, Change::Expired));
    let Some(terms) = follower(facts, &ended) else {
        return;
    };
    let opening = Opening {
        id: derived(id, "follow"),
        terms: &terms,
        origin: Origin::Nothing,
        trial_ends_at: None,
        at,
    };
    // A plan that costs something waits for its checkout like any other.
    let row = if terms.price > 0 {
        opening.wait()
    } else {
        opening.open(facts)
    };
    steps.push(Step::new(at, &row, Change::Created));
    if row.is_live() {
        steps.push(Step::new(at, &row, Change::Activated));
    }
    facts.subscriptions.push(row);
}

/// The plan that takes over when a trial expires: the plan's own choice, else the group's default.
fn follower(facts: &Facts, ended: &Subscription) -> Option<Terms> {
    let named = facts.plan_of(ended)?.on_expire;
    let default = facts
        .plans
        .values()
        .filter(|plan| plan.group_id == ended.group_id && plan.auto_enable)
        .map(|plan| plan.id)
        .min();
    [named, default]
        .into_iter()
        .flatten()
        .filter(|id| *id != ended.plan_id)
        .filter_map(|id| facts.plans.get(&id))
        .filter(|plan| plan.active)
        .map(Terms::of_plan)
        .find(|terms| has_room(facts, terms))
}

/// False when the group's place, or that very plan, is taken.
fn has_room(facts: &Facts, terms: &Terms) -> bool {
    let taken = |one: &&Subscription| {
        one.plan_id == terms.plan_id || (terms.base && one.base && one.group_id == terms.group_id)
    };
    let mut live = facts.subscriptions.iter().filter(|one| one.is_live());
    !live.any(|one| taken(&one))
}

/// Applies a scheduled change: the old subscription ends, the new one begins.
fn change(facts: &mut Facts, id: Uuid, at: Time, steps: &mut Vec<Step>) {
    let Some(change) = change_of(facts, id).cloned() else {
        return;
    };
    let plan = facts.plans.get(&change.to_plan_id);
    let current = facts.subscriptions.iter().find(|one| one.id == id);
    let (Some(plan), Some(from)) = (plan, current.cloned()) else {
        facts.plan_changes.retain(|one| one.id != change.id);
        return;
    };
    let terms = Terms::of_change(&change, plan);
    let trial_over = from.is_in_trial() && from.trial_ends_at.is_some_and(|end| end <= at);
    if trial_over && terms.price > 0 && !facts.has_payment_method && !from.linked {
        expire(facts, id, at, steps);
        return;
    }
    let opening = Opening {
        id: derived(change.id, "subscription"),
        terms: &terms,
        origin: Origin::Switch {
            from: &from,
            paid_upgrade: false,
        },
        trial_ends_at: None,
        at,
    };
    let mut row = opening.open(facts);
    if from.linked && recurs(terms.price, terms.one_time) {
        row.linked = true;
        // Their trial is over for this row too.
        row.trial_ends_at = from.trial_ends_at;
    }
    // A date does not end a pause.
    if from.status == Status::Paused {
        row.status = Status::Paused;
        row.paused_at = from.paused_at;
    }
    if end(facts, id, Event::SwitchedAway, at).is_some() {
        steps.push(Step::new(at, &row, Change::Changed { from: id }));
        facts.subscriptions.push(row);
    }
}

#[cfg(test)]
#[path = "advance_tests.rs"]
mod tests;
