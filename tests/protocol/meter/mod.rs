//! One meter in one period: every session may take, return, set savepoints, roll back, end.
//!
//! Between any two steps of a session the others go on, entries are evicted and the fold runs.

mod entry;
pub mod property;
mod session;
mod step;
mod tables;

use crate::name::{Name, Who};
pub use entry::{Own, Slot};
use session::{Phase, Session};
use stateright::{Model, Property};
use tables::Tables;

/// How much is searched.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub sessions: u8,
    /// Transactions of each session, one after the other.
    pub transactions: u8,
    /// Takes and returns of each transaction.
    pub calls: u8,
    /// What a call may ask for; negative gives back.
    pub amounts: &'static [i8],
    /// Savepoints of each transaction.
    pub savepoints: u8,
    pub evictions: u8,
    pub folds: u8,
    pub limit: i8,
    /// What was used and recorded before.
    pub used: i8,
}

/// What a careless change could make of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The pin goes with the statement, not with the transaction.
    UnpinEarly,
    /// The callback runs before the rows are visible.
    CallbackBeforeVisibility,
    /// A commit ends the newest take or return first.
    EndNewestFirst,
    /// A load fills whatever waits.
    LoadWithoutTicket,
    /// A load takes its snapshot before it places its ticket.
    SnapshotBeforeTicket,
    /// A load reads its two tables with two snapshots.
    LoadInTwoStatements,
    /// A return is never refused.
    ReturnWithoutBound,
    /// A return counts what others may still roll back.
    ReturnOfOpenTakes,
    /// A return does not count the open returns of others.
    ReturnBesideReturns,
    /// A return makes room at the call, not at the commit.
    ReturnAtOnce,
    /// A take counts on the open returns of others.
    TakeSpendsReturns,
    /// The fold adds sums in one transaction and removes rows in the next.
    FoldInTwoSteps,
    /// Pins do not keep an entry from being evicted.
    EvictPinned,
    /// ROLLBACK TO SAVEPOINT gives nothing back.
    SavepointKept,
    /// ROLLBACK TO SAVEPOINT forgets what released savepoints inside of it have taken.
    UndoItselfOnly,
    /// ROLLBACK is taken for COMMIT.
    AbortKept,
}

/// The model.
#[derive(Debug, Clone)]
pub struct Meter {
    pub bounds: Bounds,
    pub bug: Option<Bug>,
}

/// Everything that a step can see or change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub slot: Option<Slot>,
    pub tickets: u8,
    pub tables: Tables,
    /// The sum of what was committed, as the sessions remember it.
    pub acknowledged: i8,
    pub sessions: Vec<Session>,
    pub evictions_left: u8,
    pub folds_left: u8,
}

/// One step, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Asks for an amount: judged at once where the entry is filled.
    Call(Who, i8),
    /// Locks the partition again after a load.
    Retry(Who),
    /// Takes a snapshot and reads the tables.
    Read(Who),
    /// Brings what was read to the entry.
    Fill(Who),
    /// Writes the row of what was judged.
    Write(Who),
    Savepoint(Who),
    Release(Who),
    /// Rolls back to the savepoint of that place and leaves it, as an exception block does.
    RollbackTo(Who, usize),
    /// Becomes visible to others.
    Commit(Who),
    Abort(Who),
    /// One item of a callback.
    End(Who),
    Evict,
    Pick,
    Fold,
}

impl Model for Meter {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let tables = Tables {
            pending: self.bounds.used,
            ..Tables::default()
        };
        vec![State {
            slot: None,
            tickets: 0,
            tables,
            acknowledged: self.bounds.used,
            sessions: (0..self.bounds.sessions)
                .map(|number| Session::new(Name::of(number), &self.bounds))
                .collect(),
            evictions_left: self.bounds.evictions,
            folds_left: self.bounds.folds,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (place, session) in state.sessions.iter().enumerate() {
            let who = Who {
                place,
                name: session.name,
            };
            self.actions_of(who, session, actions);
        }
        let evicts_pinned = self.bug == Some(Bug::EvictPinned);
        let is_free = |slot: &Slot| slot.pins == 0 || evicts_pinned;
        if state.evictions_left > 0 && state.slot.as_ref().is_some_and(is_free) {
            actions.push(Action::Evict);
        }
        if state.tables.moving.is_some() {
            actions.push(Action::Fold);
        } else if state.folds_left > 0 && state.tables.pending != 0 {
            actions.push(Action::Pick);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.step(&mut state, action)?;
        // Which session is which makes no difference.
        state.sessions.sort();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}

impl Meter {
    fn actions_of(&self, who: Who, session: &Session, actions: &mut Vec<Action>) {
        match session.phase {
            Phase::Idle => {
                if session.calls_left > 0 {
                    let amounts = self.bounds.amounts.iter();
                    actions.extend(amounts.map(|amount| Action::Call(who, *amount)));
                    if session.savepoints_left > 0 {
                        actions.push(Action::Savepoint(who));
                    }
                }
                if !session.savepoints.is_empty() {
                    actions.push(Action::Release(who));
                }
                actions.push(Action::Commit(who));
            }
            Phase::Calling { .. } => actions.push(Action::Retry(who)),
            Phase::Loading { ticket, read, .. } => match (read, ticket) {
                (session::Read::Sum(_), Some(_)) => actions.push(Action::Fill(who)),
                (session::Read::Sum(_), None) => actions.push(Action::Retry(who)),
                _ => actions.push(Action::Read(who)),
            },
            Phase::Judged { .. } => actions.push(Action::Write(who)),
            Phase::Undoing { .. } | Phase::Committed | Phase::Committing | Phase::Aborted => {
                actions.push(Action::End(who));
            }
            Phase::Over => {}
        }
        // An error or a cancel may strike wherever a statement runs without the lock.
        let is_running = matches!(
            session.phase,
            Phase::Idle | Phase::Loading { .. } | Phase::Judged { .. }
        );
        if is_running {
            let savepoints = 0..session.savepoints.len();
            actions.extend(savepoints.map(|place| Action::RollbackTo(who, place)));
            actions.push(Action::Abort(who));
        }
    }
}
