//! Holds of one meter beside takes and returns: reserved, settled, released, ended when their time is
//! over by whoever lacks room.
//!
//! The steps of `src/flow/hold` and of `src/flow/track/ledger/counting.rs`, on an entry that is loaded
//! and stays (loads, evictions and savepoints are in [`meter`](crate::meter)). Holds go together and
//! apart from returns, each changes its own row under the row's lock, and row locks end when the
//! transaction becomes visible: before its callback. Deliberately absent: several meters in one hold;
//! waits in a circle, of which the deadlock detector ends one, as an abort does here.

pub mod property;
mod session;
mod step;

use crate::meter::Slot;
use crate::name::{Name, Who};
use session::{Phase, Session};
use stateright::{Model, Property};

/// How much is searched.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub sessions: u8,
    /// Calls of each session's transaction.
    pub calls: u8,
    /// What a take (positive) or return may ask for.
    pub amounts: &'static [i8],
    /// What a new hold may ask for.
    pub reserves: &'static [i8],
    /// What a hold may be settled with; zero releases it.
    pub settles: &'static [i8],
    pub limit: i8,
    /// What was used before, apart from holds.
    pub used: i8,
    /// Holds that are open from the start.
    pub open: &'static [i8],
    /// Holds there may be in all.
    pub holds: usize,
}

/// What a careless change could make of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A settle believes what it read before it had the row's lock.
    SettleUnchecked,
    /// A settle counts what it needs beyond the hold whatever the limit is.
    SettleUnbounded,
    /// Ending what is over skips no rows that somebody works on.
    ExpireLocked,
    /// A take that ended holds makes their room at once, not at its commit.
    ExpireAtOnce,
    /// A return gives back what is held, too.
    ReturnHeld,
    /// Returns go together with holds.
    ReturnBesideHolds,
    /// A hold's end gives back what it held, though some of it was used.
    SettleKeepsNothing,
}

/// The model.
#[derive(Debug, Clone)]
pub struct Holds {
    pub bounds: Bounds,
    pub bug: Option<Bug>,
}

/// What the row of a hold says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// There is no such row.
    Absent,
    Open,
    /// Settled, released or expired, with what was used of it.
    Ended(i8),
}

/// A hold, as its committed row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hold {
    pub amount: i8,
    pub status: Status,
    /// Whether its time is over.
    pub over: bool,
}

/// Everything that a step can see or change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub slot: Slot,
    /// Committed usage, holds among it.
    pub sum: i8,
    /// What committed takes and returns come to.
    pub plain: i8,
    pub holds: Vec<Hold>,
    pub sessions: Vec<Session>,
    /// Whether time may still pass.
    pub early: bool,
}

/// One step, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Asks for an amount; negative gives back.
    Ask(Who, i8),
    /// Takes a hold.
    Reserve(Who, i8),
    /// Ends a hold with what was used.
    Settle(Who, usize, i8),
    /// The next step of a call.
    Go(Who),
    Commit(Who),
    Abort(Who),
    /// One item of a callback; with the last, locks go.
    End(Who),
    /// Every hold that there is comes to its end.
    Pass,
}

impl Model for Holds {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let absent = Hold {
            amount: 0,
            status: Status::Absent,
            over: false,
        };
        let mut holds = vec![absent; self.bounds.holds];
        for (hold, amount) in holds.iter_mut().zip(self.bounds.open) {
            (hold.amount, hold.status) = (*amount, Status::Open);
        }
        let sum = self.bounds.used + self.bounds.open.iter().sum::<i8>();
        vec![State {
            slot: Slot {
                used: sum,
                ..Slot::default()
            },
            sum,
            plain: self.bounds.used,
            holds,
            sessions: (0..self.bounds.sessions)
                .map(|number| Session::new(Name::of(number), self.bounds.calls))
                .collect(),
            early: true,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (place, session) in state.sessions.iter().enumerate() {
            let who = Who {
                place,
                name: session.name,
            };
            self.actions_of(state, who, actions);
        }
        if state.early {
            actions.push(Action::Pass);
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

impl Holds {
    fn actions_of(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        let session = &state.sessions[who.place];
        match session.phase {
            Phase::Over => return,
            Phase::Committed | Phase::Aborted => return actions.push(Action::End(who)),
            Phase::Idle => {
                if session.calls_left > 0 {
                    self.calls(state, who, actions);
                }
                actions.push(Action::Commit(who));
            }
            _ => actions.push(Action::Go(who)),
        }
        // An error, a cancel or the deadlock detector may strike between any two steps.
        actions.push(Action::Abort(who));
    }

    fn calls(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        let bounds = &self.bounds;
        let amounts = bounds.amounts.iter();
        actions.extend(amounts.map(|amount| Action::Ask(who, *amount)));
        let reserves = bounds.reserves.iter();
        actions.extend(reserves.map(|amount| Action::Reserve(who, *amount)));
        for number in 0..state.holds.len() {
            // Who comes late is told so.
            let open = state.status(who.place, number) == Status::Open;
            if open && !state.holds[number].over {
                let settles = bounds.settles.iter();
                actions.extend(settles.map(|used| Action::Settle(who, number, *used)));
            }
        }
    }
}

impl State {
    /// What a session sees of a hold: the committed row, and what it did itself.
    fn status(&self, place: usize, number: usize) -> Status {
        let own = self.sessions[place].changes.iter();
        let own = own.rev().find(|(changed, _)| *changed == number);
        own.map_or(self.holds[number].status, |(_, status)| *status)
    }

    /// What is held of all that a session sees.
    fn held(&self, place: usize) -> i8 {
        let open = |number: &usize| self.status(place, *number) == Status::Open;
        let numbers = (0..self.holds.len()).filter(open);
        numbers.map(|number| self.holds[number].amount).sum()
    }

    /// Whether another transaction has locked or made the row of a hold.
    fn is_locked(&self, place: usize, number: usize) -> bool {
        let others = self.sessions.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != place);
        others.any(|(_, other)| other.locked.contains(&number))
    }
}
