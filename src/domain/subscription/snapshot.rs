//! What a provider has said of a subscription, made true in our row.
//!
//! Called by `flow/apply` after each word. Invariants: every pair of our state and theirs is decided
//! in `decide`; the row depends on all that was said and on the moment, not on the order in which it
//! was heard; what ended here by a command or a date stays ended, and what ended by their word keeps
//! that end. The provider's dates are taken over as they are, except where our clock is past them:
//! then the subscription has renewed as far as anybody knows. Deliberately absent: which row, which
//! plan, and what else ends when this one begins.

use super::heard::{Leaving, Said, Standing, Trial};
use super::state::Outcome;
use crate::entitlement::facts::{Status, Subscription};
use crate::period::{Anchor, Schedule, Time};
use chrono::TimeDelta;
use chrono_tz::Tz;

/// A boundary may miss ours by this part of a period and still be the same rhythm: months of
/// another zone, or the days that a provider does not bill on.
const SLACK_PART: i32 = 15;
/// But never by more than this.
const SLACK_HOURS_MAX: i64 = 48;

/// What was said, and what is needed to make a row of it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What it comes to.
    pub standing: &'a Standing,
    /// What it came to before the last word.
    pub before: &'a Standing,
    /// Where periods were counted from when the row took the place of another one.
    pub kept_anchor: Option<Time>,
    /// Zone of the customer.
    pub zone: Tz,
    /// Now.
    pub now: Time,
}

/// What the state of a provider does to ours.
#[must_use]
pub const fn decide(status: Status, said: Said) -> Outcome {
    match (status, said) {
        // What ended never comes back.
        (Status::Canceled | Status::Expired, _) => Outcome::Ignored,
        (Status::Incomplete, Said::Incomplete) => Outcome::Stays,
        // Nobody ever paid for it.
        (Status::Incomplete, Said::Ended) => Outcome::Becomes(Status::Expired),
        // It has begun here, with a checkout that they have not yet caught up with.
        (
            Status::Trialing | Status::Active | Status::PastDue | Status::Paused,
            Said::Incomplete,
        ) => Outcome::Ignored,
        (_, Said::Trialing) => Outcome::Becomes(Status::Trialing),
        (_, Said::Active) => Outcome::Becomes(Status::Active),
        (_, Said::PastDue | Said::GivenUp) => Outcome::Becomes(Status::PastDue),
        (_, Said::Paused) => Outcome::Becomes(Status::Paused),
        (_, Said::Ended) => Outcome::Becomes(Status::Canceled),
    }
}

/// Whether the row has to begin first: it waits, or ended unbegun, and was live after all.
#[must_use]
pub fn must_begin(row: &Subscription, told: &Told) -> bool {
    let waits = row.status == Status::Incomplete || ended_by_word(row, told);
    row.count_number == 0 && waits && told.standing.begun_at.is_some()
}

/// Whether the row ended because they said so, and not by a command or a date of ours.
fn ended_by_word(row: &Subscription, told: &Told) -> bool {
    row.ended_at.is_some() && row.ended_at == told.before.ended_at
}

/// Whether the period that was named last took the place of one that was over, and that was ours so far:
/// what runs by `before` began with it, rather than with the new one.
#[must_use]
pub fn has_renewed(before: &Subscription, told: &Told) -> bool {
    let standing = told.standing;
    let schedule = before.schedule_from(before.anchor_at, told.zone);
    let ours = schedule.period_at(horizon(standing, told.now)).start;
    let (Some((start, _)), Some(ours)) = (standing.period(), ours) else {
        return false;
    };
    let slack = before.slack(before.anchor_at, told.zone, start);
    standing.periods.iter().any(|(began, end)| {
        (*end - start).abs() <= slack && (ours - *began).abs() < (ours - start).abs()
    })
}

/// Makes the row agree; false when it ended by our own doing and stays as it is.
///
/// A row that [`must_begin`] has been begun.
pub fn settle(row: &mut Subscription, told: &Told) -> bool {
    let ended = matches!(row.status, Status::Canceled | Status::Expired);
    if ended && !ended_by_word(row, told) {
        return false;
    }
    let standing = told.standing;
    // Seen without its end; that comes last.
    if ended {
        let tried = match told.before.trial {
            Some(trial) => !is_over(&trial, told.before, told.now),
            None => row.trial_ends_at.is_some_and(|end| row.anchor_at < end),
        };
        row.status = match row.count_number {
            0 => Status::Incomplete,
            _ if tried => Status::Trialing,
            _ => Status::Active,
        };
        row.ended_at = None;
    }
    if row.count_number > 0 {
        let over = try_out(row, told);
        settle_anchor(row, told, over);
        settle_status(row, told, over);
        row.cancel_at = leaves_at(row, standing, told.zone);
        settle_period(row, told, over);
    }
    let end = decide(row.status, Said::Ended);
    if let (Some(ended_at), Outcome::Becomes(status)) = (standing.ended_at, end) {
        row.status = status;
        row.ended_at = Some(ended_at);
    }
    true
}

/// Takes their trial over; true when it is over, or there is none.
fn try_out(row: &mut Subscription, told: &Told) -> bool {
    let standing = told.standing;
    let Some(trial) = standing.trial else {
        return !row.is_in_trial();
    };
    let over = is_over(&trial, standing, told.now);
    let counted_apart = row.trial_ends_at.is_some() && !row.is_in_trial();
    row.trial_ends_at = Some(trial.ends_at);
    if over && !counted_apart {
        // A trial is a counting period of its own: the paid time starts a fresh one.
        row.count_number = row.highest_count().saturating_add(1);
        row.feature_starts.clear();
        if row.status == Status::Trialing {
            row.status = Status::Active;
        }
    }
    over
}

fn settle_status(row: &mut Subscription, told: &Told, trial_over: bool) {
    let standing = told.standing;
    let state = match standing.state() {
        Some(Said::Ended) | None => Said::Active,
        // The date has come, and they have not said so yet.
        Some(Said::Trialing) if trial_over => Said::Active,
        // A trial of our own, with a card that they keep for its end.
        Some(Said::Active) if !trial_over => Said::Trialing,
        Some(said) => said,
    };
    if let Outcome::Becomes(status) = decide(row.status, state) {
        row.status = status;
    }
    row.paused_at = standing.paused_at;
    let unpaid = matches!(row.status, Status::PastDue | Status::Paused);
    row.past_due_since = standing.unpaid_since.filter(|_| unpaid);
    row.given_up_at = standing.given_up_at.filter(|_| unpaid);
}

/// The moment that dates are looked at from: now, or the last moment of what has ended.
fn horizon(standing: &Standing, now: Time) -> Time {
    let end = standing.ended_at;
    let last = end.map(|end| end - TimeDelta::microseconds(1));
    last.map_or(now, |last| last.min(now))
}

/// Whether a trial was left, or has come to its date.
fn is_over(trial: &Trial, standing: &Standing, now: Time) -> bool {
    standing.tried || trial.ends_at <= horizon(standing, now)
}

/// When it leaves, as last said of it while it was live: where no date was named, at the end of
/// the period of that moment.
fn leaves_at(row: &Subscription, standing: &Standing, zone: Tz) -> Option<Time> {
    match standing.leaving {
        Leaving::No => None,
        Leaving::At(at) => Some(at),
        Leaving::PeriodEnd if row.is_in_trial() => row.trial_ends_at,
        Leaving::PeriodEnd => {
            let said_at = standing.live_at?;
            let mut then = row.clone();
            enter(&mut then, standing, zone, said_at);
            then.period_end
        }
    }
}

/// Enters the period of a moment: the one that was named, or one after it, or as the anchor counts.
fn enter(row: &mut Subscription, standing: &Standing, zone: Tz, at: Time) {
    match standing.period() {
        Some((start, end)) if at < end => {
            row.period_start = Some(start);
            row.period_end = Some(end);
        }
        Some((_, end)) => row.renew_at(zone, end, at),
        None => row.enter_period(zone, at),
    }
}

/// Counts periods from where the provider does.
fn settle_anchor(row: &mut Subscription, told: &Told, trial_over: bool) {
    let standing = told.standing;
    let began = match standing.trial {
        Some(trial) if trial_over => Some(trial.ends_at),
        Some(trial) => Some(trial.starts_at),
        None => standing.begun_at,
    };
    // A trial of our own says itself where it begins and ends.
    let ours = standing.trial.is_none() && row.trial_ends_at.is_some();
    let mut anchor = match (standing.trial, ours) {
        (None, true) => Some(row.anchor_at),
        (None, false) => told.kept_anchor,
        (Some(_), _) => None,
    };
    // The wait for the first payment, where they have no trials: nothing was paid for it.
    let unpaid = row.trial_ends_at.filter(|_| ours);
    if !ours || trial_over {
        for (start, end) in &standing.periods {
            if unpaid.is_some_and(|trial_end| *end <= trial_end) {
                continue;
            }
            if !anchor.is_some_and(|anchor| row.lies_on(anchor, told.zone, *start)) {
                anchor = Some(*start);
            }
        }
    }
    if let Some(anchor) = anchor.or(began) {
        reanchor(row, anchor);
    }
}

/// Moves the start of counting, as a switch does whose periods start anew.
fn reanchor(row: &mut Subscription, anchor: Time) {
    if row.anchor_at == anchor {
        return;
    }
    let count = row.count_number;
    row.feature_starts
        .retain(|_, start| start.count_number != count);
    for start in row.feature_starts.values_mut() {
        start.anchor_at = anchor;
    }
    row.anchor_at = anchor;
}

/// The period that runs.
fn settle_period(row: &mut Subscription, told: &Told, trial_over: bool) {
    let standing = told.standing;
    if let (Some(trial), false) = (standing.trial, trial_over) {
        row.period_start = Some(trial.starts_at);
        row.period_end = Some(trial.ends_at);
        return;
    }
    if row.one_time || row.is_in_trial() {
        return;
    }
    let last = row.cancel_at.map(|at| at - TimeDelta::microseconds(1));
    let mut at = last.map_or_else(
        || horizon(standing, told.now),
        |last| last.min(horizon(standing, told.now)),
    );
    if let Some(paused_at) = row.paused_at {
        at = at.min(paused_at);
    }
    enter(row, standing, told.zone, at);
}

impl Subscription {
    fn schedule_from(&self, anchor: Time, zone: Tz) -> Schedule {
        Schedule {
            cadence: self.cadence,
            anchor: Anchor::At(anchor),
            zone,
        }
    }

    /// How far a boundary of the provider may be from one of ours.
    fn slack(&self, anchor: Time, zone: Tz, at: Time) -> TimeDelta {
        let period = self.schedule_from(anchor, zone).period_at(at);
        let length = match (period.start, period.end) {
            (Some(start), Some(end)) => end - start,
            _ => TimeDelta::zero(),
        };
        (length / SLACK_PART).min(TimeDelta::hours(SLACK_HOURS_MAX))
    }

    /// Whether a period that begins then is one of those counted from the anchor.
    fn lies_on(&self, anchor: Time, zone: Tz, start: Time) -> bool {
        let slack = self.slack(anchor, zone, start);
        let schedule = self.schedule_from(anchor, zone);
        let near = schedule.period_at(start + slack).start;
        near.is_some_and(|near| (near - start).abs() <= slack)
    }

    /// Enters the period of a moment after the end of the one before it.
    ///
    /// Where a provider counts, its boundaries may lie a little off ours.
    pub fn renew_at(&mut self, zone: Tz, due: Time, at: Time) {
        if !self.linked {
            self.enter_period(zone, at.max(due));
            return;
        }
        let slack = self.slack(self.anchor_at, zone, due);
        self.enter_period(zone, at.max(due + slack));
        let near = |start: &Time| (*start - due).abs() <= slack;
        if self.period_start.as_ref().is_some_and(near) {
            self.period_start = Some(due);
        }
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
