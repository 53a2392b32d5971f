//! Shares of a stripe on boards of their own beside those who want the stripe alone.
//!
//! The steps of `src/backend/share.rs` and `src/backend/lock.rs`: a load or a store that others can
//! fall between is a step. Deliberately absent: a transaction that shares and then wants alone, too;
//! two of those wait for each other in the lock table, and its deadlock detector ends one.

pub mod property;
mod session;
mod step;

use crate::name::{Name, Who};
use session::{Board, Sharer, Wanter};
use stateright::{Model, Property};

/// How much is searched.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub sharers: u8,
    /// Transactions of each sharer.
    pub transactions: u8,
    pub wanters: u8,
}

/// What a careless change could make of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A sharer looks for wanters before it announces itself.
    LookBeforeAnnouncing,
    /// A sharer withdraws its announcement before its share shows.
    WithdrawBeforeSharing,
    /// A sharer that finds the stripe wanted queues with its announcement still up.
    QueueAnnounced,
    /// A share goes before what it protects is over.
    LeaveBeforeEnd,
    /// A wanter says so only when it has read the boards.
    WantAfterReading,
    /// A wanter does not wait until announcements are decided.
    IgnoreAnnouncements,
    /// A wanter reads who shares after it read that somebody does.
    OwnerAfterShare,
    /// A want goes before the change is over.
    LetInBeforeEnd,
}

/// The model.
#[derive(Debug, Clone)]
pub struct Share {
    pub bounds: Bounds,
    pub bug: Option<Bug>,
}

/// Everything that a step can see or change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub sharers: Vec<Sharer>,
    pub wanters: Vec<Wanter>,
    /// How many want the stripe alone.
    pub wanted: u8,
}

/// One step of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Announce(Who),
    /// Looks whether anybody wants the stripe alone.
    Look(Who),
    /// Shows its share.
    Share(Who),
    Withdraw(Who),
    /// Gets a share in the lock table.
    Queue(Who),
    /// What the share protects is over.
    End(Who),
    /// The share goes, and with it the transaction.
    Leave(Who),
    Want(Who),
    /// Gets the stripe alone in the lock table.
    Lock(Who),
    /// Finds no announcement on the board of the second.
    Pass(Who, Who),
    ReadOwner(Who, Who),
    ReadShare(Who, Who),
    /// The transaction that it waited for is over.
    Outlast(Who, Who),
    /// Has read all boards.
    Begin(Who),
    /// The change is over.
    Finish(Who),
    LetIn(Who),
    Unlock(Who),
}

impl Model for Share {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let transactions = self.bounds.transactions;
        let sharer = |number| Sharer::new(Name::of(number), transactions);
        let wanter = |number| Wanter::new(Name::of(self.bounds.sharers + number));
        vec![State {
            sharers: (0..self.bounds.sharers).map(sharer).collect(),
            wanters: (0..self.bounds.wanters).map(wanter).collect(),
            wanted: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (place, sharer) in state.sharers.iter().enumerate() {
            let name = sharer.name;
            actions.extend(self.sharer_may(state, Who { place, name }));
        }
        for (place, wanter) in state.wanters.iter().enumerate() {
            let name = wanter.name;
            self.wanter_may(state, Who { place, name }, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.step(&mut state, action);
        // Which session is which makes no difference.
        state.sharers.sort();
        state.wanters.sort();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}

impl State {
    /// Whether a wanter holds the stripe in the lock table.
    fn is_locked(&self) -> bool {
        self.wanters.iter().any(Wanter::is_locked)
    }

    fn boards(&self) -> impl Iterator<Item = &Board> {
        self.sharers.iter().map(|sharer| &sharer.board)
    }
}
