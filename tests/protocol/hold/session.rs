//! One session: its only transaction, and what that has open.

use super::Status;
use crate::meter::Own;
use crate::name::Name;

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Between two statements.
    Idle,
    /// A return that has gone apart from holds and will read what is held.
    Returning {
        amount: i8,
    },
    /// A return that has read what is held, and will be judged.
    Counting {
        amount: i8,
        held: i8,
    },
    /// A take without room, where holds are over.
    Short {
        amount: i8,
    },
    /// A take that has locked holds that are over; their bits.
    Expiring {
        amount: i8,
        holds: u8,
    },
    /// A take that has ended holds and is judged again.
    Again {
        amount: i8,
    },
    /// A hold's end that will lock the row.
    Ending {
        hold: usize,
        used: i8,
    },
    /// A hold's end that has the row's lock, and saw it open.
    Settling {
        hold: usize,
        used: i8,
    },
    /// The transaction is visible to others, its callback runs.
    Committed,
    /// The transaction is aborted, its callback runs.
    Aborted,
    Over,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session {
    pub name: Name,
    pub phase: Phase,
    /// What the transaction has on the entry, oldest first.
    pub items: Vec<i8>,
    /// The part of it that is no hold's.
    pub plain: i8,
    /// Rows of holds that it wrote, which nobody else sees yet.
    pub changes: Vec<(usize, Status)>,
    /// Rows of holds that it made or locked.
    pub locked: Vec<usize>,
    /// Holds go together: `enter_holds`.
    pub joint: bool,
    /// Returns go together, apart from holds: `enter_returns`.
    pub share: bool,
    pub calls_left: u8,
}

impl Session {
    pub fn new(name: Name, calls_left: u8) -> Self {
        Self {
            name,
            phase: Phase::Idle,
            items: Vec::new(),
            plain: 0,
            changes: Vec::new(),
            locked: Vec::new(),
            joint: false,
            share: false,
            calls_left,
        }
    }

    /// What the transaction has open on the entry.
    pub fn own(&self) -> Own {
        let sum = |sign: i8| {
            let items = self.items.iter().map(|amount| amount * sign);
            items.filter(|amount| *amount > 0).sum()
        };
        Own {
            open: sum(1),
            back: sum(-1),
        }
    }

    /// Whether its rows can still become visible.
    pub fn may_commit(&self) -> bool {
        !matches!(self.phase, Phase::Committed | Phase::Aborted | Phase::Over)
    }
}
