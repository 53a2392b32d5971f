//! How a subscription begins: its anchor, its counts and its first period.
//!
//! Called by `advance` for what dates start and by `flow/` for attaches and completed checkouts.
//! Invariants: a switch keeps the count, a paid return starts a fresh one, a free return goes on
//! with the group's. Deliberately absent: whether it may begin, see `switch` and `state`.

use super::terms::Terms;
use crate::entitlement::facts::{Facts, FeatureStart, Status, Subscription};
use crate::interval::{Cadence, Interval};
use crate::period::{Anchor, Schedule, Time};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The count of a group's first subscription; zero means that none has begun.
const FIRST_COUNT: i32 = 1;

/// What a subscription that begins takes the place of.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// Nothing that is live.
    Nothing,
    /// A live subscription of the same exclusive group.
    Switch {
        /// The one that ends.
        from: &'a Subscription,
        /// An upgrade with money due; gives `resetOnEnable` features a fresh count.
        paid_upgrade: bool,
    },
}

/// A subscription that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Id of the new row.
    pub id: Uuid,
    /// What was agreed.
    pub terms: &'a Terms,
    /// What it replaces.
    pub origin: Origin<'a>,
    /// End of the trial that it begins with.
    pub trial_ends_at: Option<Time>,
    /// When it begins.
    pub at: Time,
}

/// Where counting begins, for the subscription and for subjects that differ from it.
struct Counting {
    anchor_at: Time,
    count_number: i32,
    feature_starts: BTreeMap<Uuid, FeatureStart>,
}

impl Opening<'_> {
    /// The row of the new subscription.
    #[must_use]
    pub fn open(&self, facts: &Facts) -> Subscription {
        let counting = self.counting(facts);
        let mut row = self.blank(self.status());
        row.anchor_at = counting.anchor_at;
        row.count_number = counting.count_number;
        row.feature_starts = counting.feature_starts;
        row.follows = self.follows(facts);
        row.period_start = Some(self.at);
        match self.trial_ends_at {
            Some(end) => row.period_end = Some(end),
            None => row.enter_period(facts.zone, self.at),
        }
        row
    }

    /// The row of a subscription that waits for its checkout: it has no count and no period yet.
    #[must_use]
    pub fn wait(&self) -> Subscription {
        self.blank(Status::Incomplete)
    }

    fn blank(&self, status: Status) -> Subscription {
        Subscription {
            id: self.id,
            plan_id: self.terms.plan_id,
            group_id: self.terms.group_id,
            base: self.terms.base,
            status,
            anchor_at: self.at,
            anchor_moved_at: None,
            earlier: None,
            period_over: false,
            count_number: 0,
            feature_starts: BTreeMap::new(),
            started_at: self.at,
            follows: None,
            period_start: None,
            period_end: None,
            trial_ends_at: self.trial_ends_at,
            cancel_at: None,
            past_due_since: None,
            given_up_at: None,
            paused_at: None,
            ended_at: None,
            cycle_key: self.terms.cycle_key.clone(),
            price: self.terms.price,
            currency: self.terms.currency.clone(),
            cadence: self.terms.cadence,
            one_time: self.terms.one_time,
            linked: false,
        }
    }

    /// Whose place it takes: what it switches from, or what ended at this moment and nobody follows.
    fn follows(&self, facts: &Facts) -> Option<Uuid> {
        if let Origin::Switch { from, .. } = self.origin {
            return Some(from.id);
        }
        let rows = &facts.subscriptions;
        let followed = |id| rows.iter().any(|one| one.follows == Some(id));
        rows.iter()
            .filter(|one| self.terms.base && one.base && one.group_id == self.terms.group_id)
            .filter(|one| one.is_former() && one.ended_at == Some(self.at))
            .map(|one| one.id)
            .find(|id| *id != self.id && !followed(*id))
    }

    const fn status(&self) -> Status {
        match self.trial_ends_at {
            Some(_) => Status::Trialing,
            None => Status::Active,
        }
    }

    fn counting(&self, facts: &Facts) -> Counting {
        match self.origin {
            Origin::Switch { from, paid_upgrade } => {
                let mut counting = self.after(from);
                if paid_upgrade {
                    self.refresh(facts, from, &mut counting);
                }
                counting
            }
            Origin::Nothing if self.terms.base => self.returning(facts),
            Origin::Nothing => Counting::fresh(self.at, FIRST_COUNT),
        }
    }

    /// The count goes on; the anchor stays only where the running billing period does.
    fn after(&self, from: &Subscription) -> Counting {
        // A trial that has run its time was a counting period of its own.
        if from.is_in_trial() && from.trial_ends_at.is_some_and(|end| end <= self.at) {
            return Counting::fresh(self.at, from.highest_count().saturating_add(1));
        }
        if keeps_anchor(from, self.terms, self.at) && self.trial_ends_at.is_none() {
            return Counting::of(from);
        }
        let mut counting = Counting::of(from);
        counting.anchor_at = self.at;
        counting
            .feature_starts
            .retain(|_, start| start.count_number != from.count_number);
        for start in counting.feature_starts.values_mut() {
            start.anchor_at = self.at;
        }
        counting
    }

    /// Features that ask for it start over in a paid upgrade.
    fn refresh(&self, facts: &Facts, from: &Subscription, counting: &mut Counting) {
        let fresh = FeatureStart {
            anchor_at: counting.anchor_at,
            count_number: from.highest_count().saturating_add(1),
        };
        let subjects = facts
            .plan_features
            .iter()
            .filter(|one| one.plan_id == self.terms.plan_id && one.reset_on_enable && one.enabled)
            .map(|one| one.subject);
        for subject in subjects {
            counting.feature_starts.insert(subject.id(), fresh);
        }
    }

    /// The group may have had a subscription before.
    fn returning(&self, facts: &Facts) -> Counting {
        let Some(latest) = facts.latest_former_base(self.terms.group_id) else {
            return Counting::fresh(self.at, FIRST_COUNT);
        };
        if self.terms.price > 0 && self.trial_ends_at.is_none() {
            let highest = facts
                .subscriptions
                .iter()
                .filter(|one| one.base && one.group_id == self.terms.group_id)
                .map(Subscription::highest_count)
                .fold(latest.highest_count(), i32::max);
            return Counting::fresh(self.at, highest.saturating_add(1));
        }
        Counting::of(latest)
    }
}

impl Counting {
    const fn fresh(anchor_at: Time, count_number: i32) -> Self {
        Self {
            anchor_at,
            count_number,
            feature_starts: BTreeMap::new(),
        }
    }

    fn of(subscription: &Subscription) -> Self {
        Self {
            anchor_at: subscription.anchor_at,
            count_number: subscription.count_number,
            feature_starts: subscription.feature_starts.clone(),
        }
    }
}

/// True when the running billing period goes on under the new terms.
///
/// It does for the same interval, unless nothing was paid for it and something is now: then the
/// customer pays for a whole period, which begins with the switch.
#[must_use]
pub fn keeps_anchor(from: &Subscription, terms: &Terms, at: Time) -> bool {
    // A pause is not billed: its last period may be long over.
    let stale = from.status == Status::Paused && from.period_end.is_some_and(|end| end <= at);
    from.cadence == terms.cadence
        && !stale
        && !from.one_time
        && !terms.one_time
        && !from.is_in_trial()
        && (from.price > 0 || terms.price == 0)
}

/// The end of a trial of that many local days.
#[must_use]
pub fn trial_end(days: i32, zone: Tz, at: Time) -> Option<Time> {
    let count = u32::try_from(days).ok().filter(|count| *count > 0)?;
    let schedule = Schedule {
        cadence: Cadence::new(Interval::Daily, count),
        anchor: Anchor::At(at),
        zone,
    };
    schedule.period(0).end
}
