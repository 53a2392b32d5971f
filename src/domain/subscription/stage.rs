//! What a subscription counted from before a provider moved its anchor.
//!
//! Asked by entitlements for moments before a move, and wherever usage goes from one subscription to the
//! next: a move is a switch from a subscription to itself. A *stage* is a subscription as it was between
//! two moves; its last stage is the row. Invariants: stages follow each other without a gap, in the order
//! in which they were, also where several began in one moment; a stage before the last has ended, and is
//! a subscription in its own right. Deliberately absent: rows, and what moves an anchor (`snapshot`).

use crate::entitlement::facts::{Facts, FeatureStart, Status, Subscription};
use crate::period::Time;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Stages that are kept; what had rolled over before the oldest is gone.
pub const STAGES_MAX: usize = 32;

/// What distinguishes a stage from those beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// When it began, where that is known apart from the subscription's own start.
    pub moved_at: Option<Time>,
    /// Where its periods were counted from.
    pub anchor_at: Time,
    /// Its count.
    pub count_number: i32,
    /// Whether the provider's period was over when it ended.
    pub period_over: bool,
    /// Subjects that differed.
    pub feature_starts: BTreeMap<Uuid, FeatureStart>,
}

impl Subscription {
    /// Notes that periods are counted from another moment, or anew, than `before` said: what it had
    /// counted until now stays on a meter of its own. The end of a trial does so too, but in a trial
    /// nothing rolls over. What has ended is moved at its end: who took its place did so after that.
    /// True where it was noted.
    pub fn note_move(&mut self, before: &Self, now: Time) -> bool {
        let counted = before.count_number > 0 && !before.is_in_trial();
        let same = before.anchor_at == self.anchor_at && before.count_number == self.count_number;
        let moved = counted && !same;
        if moved {
            let mut starts = before.starts();
            starts.push(before.start());
            starts.drain(..starts.len().saturating_sub(STAGES_MAX));
            let at = self.ended_at.map_or(now, |ended| ended.min(now));
            self.anchor_moved_at = Some(at.max(before.stage_began_at()));
            self.set_starts(starts);
        }
        moved
    }

    /// Notes that the last move was a renewal, by days that differ from those that were counted by: what
    /// was used before it goes along as little as at any other.
    pub fn note_renewal(&mut self) {
        if let Some(earlier) = &mut self.earlier {
            earlier.period_over = true;
        }
    }

    /// The stages before this one, oldest first.
    #[must_use]
    pub fn starts(&self) -> Vec<Start> {
        let mut starts: Vec<Start> = self.stages().skip(1).map(Self::start).collect();
        starts.reverse();
        starts
    }

    /// Takes over the stages before this one, oldest first.
    pub fn set_starts(&mut self, starts: Vec<Start>) {
        let ends = starts.iter().skip(1).map(|next| next.moved_at);
        let ends: Vec<Option<Time>> = ends.chain([self.anchor_moved_at]).collect();
        self.earlier = None;
        let mut earlier = None;
        for (start, ended_at) in starts.into_iter().zip(ends) {
            earlier = Some(Box::new(Self {
                status: Status::Active,
                anchor_at: start.anchor_at,
                anchor_moved_at: start.moved_at,
                count_number: start.count_number,
                period_over: start.period_over,
                feature_starts: start.feature_starts,
                ended_at,
                earlier,
                ..self.clone()
            }));
        }
        self.earlier = earlier;
    }

    /// This stage and those before it, latest first.
    pub fn stages(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |stage| stage.earlier.as_deref())
    }

    /// The stage of a moment; the oldest known one of those before it.
    #[must_use]
    pub fn stage_at(&self, at: Time) -> &Self {
        let begun = self.stages().find(|stage| stage.stage_began_at() <= at);
        begun.or_else(|| self.stages().last()).unwrap_or(self)
    }

    /// When this stage began.
    #[must_use]
    pub fn stage_began_at(&self) -> Time {
        self.anchor_moved_at.unwrap_or(self.started_at)
    }

    /// Whether there were stages before this one of which nothing is known any more.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.anchor_moved_at.is_some() && self.earlier.is_none()
    }

    /// Whether the other is this very stage.
    #[must_use]
    pub fn is_stage(&self, other: &Self) -> bool {
        self.id == other.id && self.stages().count() == other.stages().count()
    }

    fn start(&self) -> Start {
        Start {
            moved_at: self.anchor_moved_at,
            anchor_at: self.anchor_at,
            count_number: self.count_number,
            period_over: self.period_over,
            feature_starts: self.feature_starts.clone(),
        }
    }
}

impl Facts {
    /// Every stage of every subscription.
    pub fn stages(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter().flat_map(Subscription::stages)
    }
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
