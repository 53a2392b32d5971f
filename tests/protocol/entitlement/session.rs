//! Sessions that take and check, and the one that changes the plan.

use crate::name::Name;

/// What a session asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    Take,
    Check,
}

/// An entitlement that a session keeps, and the generation that it was read after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Known {
    pub generation: u8,
    pub plan: usize,
}

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    Idle,
    /// Waits for the customer's lock; `warm`: what it knew stood.
    Waiting {
        warm: bool,
    },
    Locked {
        warm: bool,
    },
    /// Must read what the tables say.
    Unresolved {
        call: Call,
    },
    /// Has read the generation.
    Stamped {
        call: Call,
        generation: u8,
    },
    /// Only with a bug: has read the tables, but no generation.
    Seen {
        call: Call,
        plan: usize,
    },
    /// Knows which plan to answer by.
    Resolved {
        call: Call,
        plan: usize,
    },
    /// On the entry and pinned; its row is not written yet.
    Judged {
        plan: usize,
    },
    Written {
        plan: usize,
    },
    /// Its transaction has ended, its callback runs.
    Ending {
        plan: usize,
        committed: bool,
    },
    /// Its callback has run; the lock is still held.
    Leaving,
}

/// A session that takes and checks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session {
    pub name: Name,
    pub phase: Phase,
    pub known: Option<Known>,
    /// It shares the customer's lock.
    pub locked: bool,
    /// Its call began after the change had returned.
    pub after: bool,
    /// Only with a bug: its call began before the clock of the switch was read.
    pub early: bool,
    pub calls_left: u8,
}

impl Session {
    pub fn new(name: Name, calls_left: u8) -> Self {
        Self {
            name,
            phase: Phase::Idle,
            known: None,
            locked: false,
            after: false,
            early: false,
            calls_left,
        }
    }

    /// The plan whose meter it has an uncommitted take on.
    pub fn open(&self) -> Option<usize> {
        match self.phase {
            Phase::Judged { plan } | Phase::Written { plan } => Some(plan),
            _ => None,
        }
    }
}
