//! The queue of rests: oldest first, taken from the old end.
//!
//! Driven by `RolloverPlan::chain`. Invariant: no rest in the queue is zero, and `total` is their
//! sum. Deliberately absent: periods and time.

use std::collections::VecDeque;

use crate::quantity::Quantity;

/// Neighbouring periods with the same rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// First origin.
    pub first: i64,
    /// Last origin.
    pub last: i64,
    /// What is left of each.
    pub each: Quantity,
}

impl Run {
    /// What is left of all of them.
    #[must_use]
    pub fn total(&self) -> Quantity {
        let count = i128::from(self.last) - i128::from(self.first) + 1;
        Quantity::from_raw(self.each.raw().saturating_mul(count))
    }
}

/// What is left at the start of a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// Oldest first; no rest is zero.
    pub runs: VecDeque<Run>,
    /// What was drawn in earlier periods beyond what there was; zero unless returns or edits of
    /// the catalog came after the draws.
    pub shortfall: Quantity,
    /// Sum of all rests.
    pub(super) total: Quantity,
}

/// Rests that are drawn as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Oldest origin.
    pub first: i64,
    /// Newest origin.
    pub last: i64,
    /// What is left of all of them.
    pub amount: Quantity,
}

impl Chain {
    /// Everything that is left, in at most `most` shares: each origin apart, the newest beyond
    /// that as one.
    #[must_use]
    pub fn shares(&self, most: usize) -> Vec<Share> {
        let mut shares: Vec<Share> = Vec::new();
        for run in &self.runs {
            let mut next = run.first;
            while most > 1 && shares.len() < most && next <= run.last {
                shares.push(Share {
                    first: next,
                    last: next,
                    amount: run.each,
                });
                next = next.saturating_add(1);
            }
            let rest = Run {
                first: next,
                ..*run
            };
            let full = shares.len() >= most;
            match shares.last_mut() {
                _ if next > run.last => {}
                Some(share) if full => {
                    share.last = run.last;
                    share.amount = sum(share.amount, rest.total());
                }
                _ => shares.push(Share {
                    first: next,
                    last: run.last,
                    amount: rest.total(),
                }),
            }
        }
        shares
    }

    pub(super) fn clear(&mut self) {
        self.runs.clear();
        self.total = Quantity::ZERO;
    }

    /// Gives every rest an origin that many periods later.
    pub(super) fn shift(&mut self, by: i64) {
        for run in &mut self.runs {
            run.first = run.first.saturating_add(by);
            run.last = run.last.saturating_add(by);
        }
    }

    pub(super) fn push(&mut self, first: i64, last: i64, each: Quantity) {
        if !each.is_positive() {
            return;
        }
        let run = Run { first, last, each };
        self.total = sum(self.total, run.total());
        self.runs.push_back(run);
    }

    /// Drops the oldest until no more than `cap` is left.
    pub(super) fn trim(&mut self, cap: Quantity) {
        let excess = self.total.saturating_sub_to_zero(cap);
        self.take_oldest(excess);
    }

    /// Takes from the rest of `origin`, then from later ones, then from earlier ones; gives what
    /// could not be taken.
    ///
    /// Several rests may be drawn as one under the name of the oldest, and a return to a past
    /// period may have moved a rest: the sum stays right in both cases.
    pub(super) fn take(&mut self, origin: i64, amount: Quantity) -> Quantity {
        let mut older = VecDeque::new();
        while let Some(run) = self.runs.pop_front() {
            if run.first >= origin {
                self.runs.push_front(run);
                break;
            }
            if run.last < origin {
                older.push_back(run);
                continue;
            }
            older.push_back(Run {
                last: origin.saturating_sub(1),
                ..run
            });
            self.runs.push_front(Run {
                first: origin,
                ..run
            });
            break;
        }
        let missing = self.take_oldest(amount);
        let mut newer = std::mem::replace(&mut self.runs, older);
        let missing = self.take_oldest(missing);
        self.runs.append(&mut newer);
        missing
    }

    /// Takes from the oldest on; gives what could not be taken.
    fn take_oldest(&mut self, amount: Quantity) -> Quantity {
        let mut wanted = amount;
        while wanted.is_positive() {
            let Some(run) = self.runs.pop_front() else {
                return wanted;
            };
            let total = run.total();
            if total <= wanted {
                wanted = difference(wanted, total);
                self.total = difference(self.total, total);
                continue;
            }
            self.total = difference(self.total, wanted);
            self.split(run, wanted);
            return Quantity::ZERO;
        }
        wanted
    }

    /// Puts back a run of which less than its total was taken from the oldest on.
    fn split(&mut self, run: Run, taken: Quantity) {
        let each = run.each.raw().max(1);
        let whole = i64::try_from(taken.raw() / each).unwrap_or(i64::MAX);
        let part = Quantity::from_raw(taken.raw() % each);
        let first = run.first.saturating_add(whole);
        if part.is_zero() {
            self.runs.push_front(Run { first, ..run });
            return;
        }
        if first < run.last {
            self.runs.push_front(Run {
                first: first.saturating_add(1),
                ..run
            });
        }
        self.runs.push_front(Run {
            first,
            last: first,
            each: difference(run.each, part),
        });
    }
}

/// Sums of counted quantities stay far inside 128 bits; should one not, it stays at the edge.
pub(super) fn sum(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_add(other.raw()))
}

/// The difference, likewise.
pub(super) fn difference(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_sub(other.raw()))
}
