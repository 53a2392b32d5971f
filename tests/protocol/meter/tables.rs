//! The tables that usage is recorded in: what of them is committed.

use super::Bug;

/// Committed rows, as sums.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tables {
    /// `owo.usage_pending`.
    pub pending: i8,
    /// `owo.meter_period`.
    pub folded: i8,
    /// What the running fold has picked.
    pub moving: Option<i8>,
}

impl Tables {
    /// What is used, as one statement with one snapshot reads it.
    pub fn sum(&self) -> i8 {
        self.pending + self.folded
    }

    /// The statement of the fold takes its snapshot and locks the rows that it moves.
    pub fn pick(&mut self, bug: Option<Bug>) {
        self.moving = Some(self.pending);
        if bug == Some(Bug::FoldInTwoSteps) {
            self.folded += self.pending;
        }
    }

    /// The fold commits: its rows are gone and counted at once. Rows that came later stay.
    pub fn fold(&mut self, bug: Option<Bug>) {
        let moved = self.moving.take().unwrap_or_default();
        self.pending -= moved;
        if bug != Some(Bug::FoldInTwoSteps) {
            self.folded += moved;
        }
    }
}
