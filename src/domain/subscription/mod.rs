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
pub mod lineage;
pub mod open;
pub mod price;
pub mod sharing;
pub mod snapshot;
pub mod stage;
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

    /// Since when a subject is counted.
    #[must_use]
    pub fn counts_from(&self, subject: Subject) -> Time {
        self.stage_began_at().max(self.start_of(subject).anchor_at)
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
    /// The latest moment at which a subscription began, began to count from another moment, or ended.
    #[must_use]
    pub fn latest_switch(&self) -> Option<Time> {
        let begun = |one: &&Subscription| one.status != Status::Incomplete;
        let rows = self.subscriptions.iter().filter(begun);
        rows.flat_map(|one| [Some(one.stage_began_at()), one.ended_at])
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
        self.last_former_base(group_id, |_| true)
    }

    /// The same among those that `meant` is true of. Of several that ended in one moment it is the one
    /// whose place nobody took.
    #[must_use]
    pub fn last_former_base(
        &self,
        group_id: Uuid,
        meant: impl Fn(&Subscription) -> bool,
    ) -> Option<&Subscription> {
        let rows = &self.subscriptions;
        let followed = |id| rows.iter().any(|one| one.follows == Some(id));
        rows.iter()
            .filter(|one| one.base && one.group_id == group_id && one.is_former())
            .filter(|one| meant(one))
            .max_by_key(|one| {
                let last = !followed(one.id);
                (one.ended_at, last, one.count_number, one.started_at, one.id)
            })
    }

    /// The plan of a subscription.
    #[must_use]
    pub fn plan_of(&self, subscription: &Subscription) -> Option<&Plan> {
        self.plans.get(&subscription.plan_id)
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{attach, facts, id, plan, time};
    use crate::entitlement::facts::Status;

    #[test]
    fn each_subscription_is_followed_by_one_also_in_one_moment() {
        let plans = [plan(10, 0), plan(11, 500), plan(12, 900)];
        let mut facts = facts(&plans);
        let at = time("2026-03-01");
        attach(&mut facts, 209, &plans[0], None, at);
        attach(&mut facts, 205, &plans[1], None, at);
        attach(&mut facts, 207, &plans[2], None, at);
        // One that ends by itself is followed by what begins then, and by nothing later.
        let last = facts.subscriptions.last_mut().unwrap();
        last.status = Status::Canceled;
        last.ended_at = Some(at);
        attach(&mut facts, 203, &plans[0], None, at);
        let follows: Vec<_> = facts.subscriptions.iter().map(|one| one.follows).collect();
        assert_eq!(follows, [None, Some(id(209)), Some(id(205)), Some(id(207))]);
        let last = facts.subscriptions.last_mut().unwrap();
        last.status = Status::Canceled;
        last.ended_at = Some(at);
        attach(&mut facts, 201, &plans[0], None, time("2026-03-02"));
        assert_eq!(facts.subscriptions[4].follows, None);
    }
}
