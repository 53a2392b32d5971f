//! Which subscriptions grant at a moment, and in which order of rank.
//!
//! Called by `resolve`. Invariant: judged by rows that were already advanced to the present; only
//! the moment asked about may lie before it. Deliberately absent: transitions between states, which
//! are `subscription`'s.

use std::cmp::Ordering;

use chrono::TimeDelta;

use super::facts::{Facts, Plan, Status, Subscription};
use super::source::Reason;
use crate::period::Time;

/// A subscription that grants, with its plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live<'a> {
    pub subscription: &'a Subscription,
    pub plan: &'a Plan,
    pub trial: bool,
}

/// A subscription that does not grant, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Idle<'a> {
    pub subscription: &'a Subscription,
    pub reason: Reason,
}

/// The subscriptions of a customer at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Standing<'a> {
    /// The moment judged: the one asked about, or the start of what is live now.
    pub at: Time,
    /// Best rank first.
    pub live: Vec<Live<'a>>,
    pub idle: Vec<Idle<'a>>,
}

impl<'a> Standing<'a> {
    /// Who grants at `at`; if nobody did, who is live now, at the earliest of their starts.
    pub fn at(facts: &'a Facts, at: Time) -> Self {
        let standing = Self::exactly_at(facts, at);
        if !standing.live.is_empty() {
            return standing;
        }
        let first_start = facts
            .subscriptions
            .iter()
            .filter(|subscription| is_live(subscription.status) && subscription.started_at > at)
            .map(|subscription| subscription.started_at)
            .min();
        match first_start {
            Some(start) => Self::exactly_at(facts, start),
            None => standing,
        }
    }

    fn exactly_at(facts: &'a Facts, at: Time) -> Self {
        let mut live = Vec::new();
        let mut idle = Vec::new();
        for subscription in &facts.subscriptions {
            let Some(plan) = facts.plans.get(&subscription.plan_id) else {
                continue;
            };
            match granting(subscription, at, facts.grace_days) {
                Ok(trial) => live.push(Live {
                    subscription: subscription.stage_at(at),
                    plan,
                    trial,
                }),
                Err(reason) => idle.push(Idle {
                    subscription,
                    reason,
                }),
            }
        }
        live.sort_by(rank);
        idle.sort_by_key(|idle| idle.subscription.id);
        Self { at, live, idle }
    }
}

/// The moments after `at` at which time alone may change who grants.
pub(crate) fn changes_after(facts: &Facts, at: Time) -> Option<Time> {
    let of_subscription = |subscription: &Subscription| {
        [
            Some(subscription.started_at),
            subscription.period_end,
            subscription.trial_ends_at,
            subscription.cancel_at,
            subscription.paused_at,
            subscription.ended_at,
            grace_end(subscription, facts.grace_days),
        ]
    };
    facts
        .subscriptions
        .iter()
        .flat_map(of_subscription)
        .flatten()
        .chain(facts.plan_changes.iter().map(|change| change.effective_at))
        .filter(|moment| *moment > at)
        .min()
}

/// When a past-due subscription loses access; `None` while nothing is due. More days of grace do not
/// bring back what its provider gave up before they were over.
pub(crate) fn grace_end(subscription: &Subscription, grace_days: i32) -> Option<Time> {
    if subscription.status != Status::PastDue {
        return None;
    }
    let grace = TimeDelta::try_days(i64::from(grace_days))?;
    let over = subscription.past_due_since?.checked_add_signed(grace);
    [over, subscription.given_up_at].into_iter().flatten().min()
}

/// True for the states that grant.
const fn is_live(status: Status) -> bool {
    matches!(status, Status::Trialing | Status::Active | Status::PastDue)
}

/// Whether it granted at that moment (and then, whether it was a trial).
fn granting(subscription: &Subscription, at: Time, grace_days: i32) -> Result<bool, Reason> {
    if subscription.status == Status::Incomplete {
        return Err(Reason::Incomplete);
    }
    if subscription.ended_at.is_some_and(|ended| ended <= at) {
        return Err(Reason::Ended);
    }
    if at < subscription.started_at {
        return Err(Reason::NotStarted);
    }
    let in_trial = subscription.trial_ends_at.is_some_and(|end| at < end);
    match subscription.status {
        Status::Incomplete => Err(Reason::Incomplete),
        Status::Trialing => Ok(true),
        Status::Active => Ok(false),
        Status::PastDue => match grace_end(subscription, grace_days) {
            Some(end) if end <= at => Err(Reason::PastDue),
            _ => Ok(false),
        },
        Status::Paused if subscription.paused_at.is_some_and(|paused| at < paused) => Ok(in_trial),
        Status::Paused => Err(Reason::Paused),
        // Ended later than the moment asked about.
        _ if subscription.is_former() && subscription.ended_at.is_some() => Ok(in_trial),
        Status::Canceled | Status::Expired => Err(Reason::Ended),
    }
}

/// Best first: rank, base before add-on, price per month, age.
fn rank(one: &Live<'_>, other: &Live<'_>) -> Ordering {
    let (left, right) = (one.subscription, other.subscription);
    other
        .plan
        .rank
        .cmp(&one.plan.rank)
        .then(one.plan.is_addon.cmp(&other.plan.is_addon))
        .then_with(|| {
            right
                .cadence
                .compare_per_month(right.price, left.cadence, left.price)
        })
        .then(left.started_at.cmp(&right.started_at))
        .then(left.id.cmp(&right.id))
}
