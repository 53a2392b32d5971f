//! One session: its running transaction, what the transaction has open, and what is left to do.

use super::Bounds;
use super::entry::Own;
use crate::name::Name;

/// A take or return, or the row that records it, with the subtransaction that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item {
    pub amount: i8,
    pub subtransaction: u8,
}

/// What a load has read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Read {
    Nothing,
    /// Only with a bug: one of two tables.
    Half(i8),
    Sum(i8),
}

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Between two statements.
    Idle,
    /// Asked for `amount`, about to lock the partition again.
    Calling { amount: i8 },
    /// The entry waits for a load: this session reads the tables, with no lock.
    Loading {
        amount: i8,
        /// Only with a bug it is missing.
        ticket: Option<u8>,
        read: Read,
    },
    /// On the entry and pinned; its row is not written yet.
    Judged { amount: i8 },
    /// ABORT_SUB: what is labelled `least` or newer is given back, one item after the other.
    Undoing { least: u8 },
    /// The transaction is visible to others, its callback runs.
    Committed,
    /// Only with a bug: the callback runs first.
    Committing,
    /// The transaction is aborted, its callback runs.
    Aborted,
    /// Nothing is left to do.
    Over,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session {
    pub name: Name,
    pub phase: Phase,
    /// `src/meter/shared/local.rs`: what the transaction has on the entry, oldest first.
    pub items: Vec<Item>,
    /// Rows that it wrote, which nobody else sees yet.
    pub rows: Vec<Item>,
    /// Savepoints that are neither released nor rolled back: their subtransactions.
    pub savepoints: Vec<u8>,
    /// The newest subtransaction of the transaction.
    pub newest: u8,
    pub calls_left: u8,
    pub savepoints_left: u8,
    pub transactions_left: u8,
}

impl Session {
    pub fn new(name: Name, bounds: &Bounds) -> Self {
        let mut session = Self::over(name, bounds.transactions);
        session.begin(bounds);
        session
    }

    fn over(name: Name, transactions_left: u8) -> Self {
        Self {
            name,
            phase: Phase::Over,
            items: Vec::new(),
            rows: Vec::new(),
            savepoints: Vec::new(),
            newest: 0,
            calls_left: 0,
            savepoints_left: 0,
            transactions_left,
        }
    }

    /// Begins the next transaction, if there is to be one.
    pub fn begin(&mut self, bounds: &Bounds) {
        *self = Self::over(self.name, self.transactions_left);
        if self.transactions_left > 0 {
            self.transactions_left -= 1;
            self.phase = Phase::Idle;
            self.calls_left = bounds.calls;
            self.savepoints_left = bounds.savepoints;
        }
    }

    /// The running subtransaction; 0 is the transaction itself.
    pub fn subtransaction(&self) -> u8 {
        self.savepoints.last().copied().unwrap_or(0)
    }

    /// What the transaction has open on the entry.
    pub fn own(&self) -> Own {
        let mut own = Own::default();
        for item in &self.items {
            if item.amount > 0 {
                own.open += item.amount;
            } else {
                own.back -= item.amount;
            }
        }
        own
    }

    /// Whether its rows can still become visible.
    pub fn may_commit(&self) -> bool {
        !matches!(self.phase, Phase::Aborted | Phase::Over)
    }

    /// The sums of amounts that a commit could add: each row may be the last that is not rolled back.
    pub fn outcomes(&self) -> Vec<i8> {
        let judged = match self.phase {
            Phase::Judged { amount } => Some(amount),
            _ => None,
        };
        let mut sums = vec![0];
        let mut sum = 0;
        for amount in self.rows.iter().map(|row| row.amount).chain(judged) {
            sum += amount;
            sums.push(sum);
        }
        sums
    }
}
