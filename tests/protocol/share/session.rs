//! Those who share the stripe, and those who want it alone.

use crate::name::Name;

/// Where a sharer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sharing {
    Idle,
    /// Its announcement is up.
    Announced,
    /// Only with a bug: it has looked, and not announced itself.
    Looked {
        free: bool,
    },
    /// Nobody wanted the stripe when it looked.
    Free,
    /// Somebody did.
    Refused,
    /// Its share shows, and its announcement.
    Shown,
    /// Only with a bug: its announcement is down, and its share does not show.
    Hidden,
    Queued,
    /// What the share protects goes on.
    Inside,
    /// What it protected is over.
    Over,
}

/// What a sharer says in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Board {
    pub announced: bool,
    pub shared: bool,
    /// The transaction that shares.
    pub owner: u8,
    /// How far the wanter that holds the lock has read it.
    pub read: Reading,
}

/// How far a board has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Reading {
    #[default]
    Unread,
    /// It had no announcement.
    Passed,
    Owner(u8),
    /// Only with a bug: it shares, whoever it is.
    Somebody,
    /// Both readings of the owner were the same, and it shares.
    Waiting(u8),
    Done,
}

/// A session whose transactions share the stripe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sharer {
    pub name: Name,
    pub phase: Sharing,
    pub board: Board,
    /// It shares in the lock table.
    pub in_table: bool,
    /// The running transaction.
    pub transaction: u8,
    pub left: u8,
}

/// Where a wanter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wanting {
    Idle,
    Wanted,
    Reading,
    /// Only with a bug: all boards are read, and it has not said that it wants the stripe.
    Read,
    /// Alone.
    Alone,
    /// What it changed is visible.
    Finished,
    /// It wants the stripe no more, and holds it in the lock table.
    LetIn,
    Done,
}

/// A transaction that wants the stripe alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanter {
    pub name: Name,
    pub phase: Wanting,
    /// Only with a bug: it has let others in already.
    pub careless: bool,
}

impl Sharer {
    pub fn new(name: Name, left: u8) -> Self {
        Self {
            name,
            phase: Sharing::Idle,
            board: Board::default(),
            in_table: false,
            transaction: 1,
            left,
        }
    }
}

impl Wanter {
    pub fn new(name: Name) -> Self {
        Self {
            name,
            phase: Wanting::Idle,
            careless: false,
        }
    }

    pub fn is_locked(&self) -> bool {
        !matches!(self.phase, Wanting::Idle | Wanting::Wanted | Wanting::Done)
    }
}
