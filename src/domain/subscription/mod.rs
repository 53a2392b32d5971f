//! The life of a subscription: its states, what dates do to it, and how a new one begins.
//!
//! Used by `flow/` for writes and by every read that must see what fell due. Invariants: a state
//! changes only as `state` decides, dates only as `advance` decides; ended subscriptions stay
//! ended. Deliberately absent: money that moves, which checkouts and invoices know.

pub mod advance;
pub mod carry;
#[cfg(test)]
pub(crate) mod fixture;
pub mod heard;
pub mod open;
pub mod price;
pub mod snapshot;
pub mod state;
pub mod step;
pub mod tell;
pub mod terms;

use crate::entitlement::facts::{Facts, FeatureStart, Plan, Status, Subject, Subscription};
use crate::period::{Anchor, Period, Schedule, Time};
use chrono_tz::Tz;
use uuid::Uuid;

impl Subscription {
    /// True while it holds its place: trialing, active, past due or paused.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(
            self.status,
            Status::Trialing | Status::Active | Status::PastDue | Status::Paused
        )
    }

    /// True when it has begun and is over; a checkout that was never completed has not begun.
    #[must_use]
    pub const fn is_former(&self) -> bool {
        matches!(self.status, Status::Canceled | Status::Expired) && self.count_number > 0
    }

    /// True while the end of a trial is still ahead, also when paused during the trial.
    #[must_use]
    pub fn is_in_trial(&self) -> bool {
        match self.status {
            Status::Trialing => true,
            // The end of a trial moves the anchor to it.
            Status::Paused => self.trial_ends_at.is_some_and(|end| self.anchor_at < end),
            _ => false,
        }
    }

    /// True when a new period follows the running one by itself.
    #[must_use]
    pub const fn renews(&self) -> bool {
        matches!(self.status, Status::Active | Status::PastDue) && !self.one_time
    }

    /// Where the counting of a subject begins.
    #[must_use]
    pub fn start_of(&self, subject: Subject) -> FeatureStart {
        self.feature_starts
            .get(&subject.id())
            .copied()
            .unwrap_or(FeatureStart {
                anchor_at: self.anchor_at,
                count_number: self.count_number,
            })
    }

    /// The highest count number that any of its subjects uses.
    #[must_use]
    pub fn highest_count(&self) -> i32 {
        self.feature_starts
            .values()
            .map(|start| start.count_number)
            .fold(self.count_number, i32::max)
    }

    /// Its billing period at a moment; `None` for a one-time plan.
    #[must_use]
    pub fn billing_period_at(&self, zone: Tz, at: Time) -> Option<Period> {
        if self.one_time {
            return None;
        }
        let schedule = Schedule {
            cadence: self.cadence,
            anchor: Anchor::At(self.anchor_at),
            zone,
        };
        Some(schedule.period_at(at))
    }

    /// Writes the billing period of a moment into the row.
    pub fn enter_period(&mut self, zone: Tz, at: Time) {
        if let Some(period) = self.billing_period_at(zone, at) {
            self.period_start = period.start;
            self.period_end = period.end;
        }
    }
}

impl Facts {
    /// The latest moment at which a subscription began or ended.
    #[must_use]
    pub fn latest_switch(&self) -> Option<Time> {
        let begun = |one: &&Subscription| one.status != Status::Incomplete;
        let rows = self.subscriptions.iter().filter(begun);
        rows.flat_map(|one| [Some(one.started_at), one.ended_at])
            .flatten()
            .max()
    }

    /// The live base subscription of an exclusive group.
    #[must_use]
    pub fn live_base(&self, group_id: Uuid) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .find(|one| one.base && one.group_id == group_id && one.is_live())
    }

    /// The latest subscription of a group's base plans that has begun and is over.
    #[must_use]
    pub fn latest_former_base(&self, group_id: Uuid) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .filter(|one| one.base && one.group_id == group_id && one.is_former())
            .max_by_key(|one| (one.ended_at, one.count_number, one.id))
    }

    /// The plan of a subscription.
    #[must_use]
    pub fn plan_of(&self, subscription: &Subscription) -> Option<&Plan> {
        self.plans.get(&subscription.plan_id)
    }
}
