//! A change of plan beside takes and checks that remember what they resolved.
//!
//! Each session keeps its last entitlement with the generation that it read before, and shares it with
//! the others. A change moves the generation when it commits; one that carries usage to a new meter holds the customer's lock
//! alone, which takes share.

mod change;
pub mod property;
mod session;
mod step;

use crate::name::{Name, Who};
use change::{Change, Changer};
use session::{Call, Known, Phase, Session};
use stateright::{Model, Property};

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A switch of plan: usage of the old meter is carried to a new one.
    Switch,
    /// An edit of the catalog: the limit of a meter moves, nobody is waited for.
    Edit,
}

/// How much is searched.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub kind: Kind,
    pub sessions: u8,
    /// Calls of each session, each a transaction of its own.
    pub calls: u8,
    /// What the plans allow, before and after.
    pub limits: [i8; 2],
}

/// What a careless change could make of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The snapshot is taken before the generation is read.
    GenerationAfterSnapshot,
    /// The generation moves before the change is visible.
    BumpBeforeVisibility,
    /// A call keeps what it resolved from its own uncommitted change.
    KeepOwnChange,
    /// A take does not ask again, after it waited for the lock, whether what it knew stands.
    NoSecondLook,
    /// A take decides by the moment at which it began, though a switch came while it waited.
    ClockOfTheCall,
    /// A take does not hold the customer's lock.
    TakeWithoutLock,
    /// A switch shares the lock.
    SwitchShares,
    /// A switch reads what it carries, then locks.
    CarryBeforeLock,
    /// A switch writes the carried row without counting it on the entry.
    CarryWithoutEntry,
    /// The lock goes before the callbacks have run.
    UnlockBeforeCallback,
    /// A take that shares the lock asks for it alone, too.
    UpgradeLock,
}

/// The model.
#[derive(Debug, Clone)]
pub struct Entitlement {
    pub bounds: Bounds,
    pub bug: Option<Bug>,
}

/// A filled entry of one meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Entry {
    /// Committed usage plus open takes.
    pub used: i8,
    /// Open takes.
    pub pins: u8,
}

/// Everything that a step can see or change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The plan that the tables say: 0 before, 1 after the change.
    pub plan: usize,
    /// Committed usage of the meters of both plans.
    pub tables: [i8; 2],
    pub entries: [Entry; 2],
    pub generation: u8,
    pub sessions: Vec<Session>,
    /// What somebody resolved last, for all sessions.
    pub shared: Option<Known>,
    pub changer: Changer,
    /// The COMMIT of the change has come back to who sent it.
    pub returned: bool,
    /// A call that began after that was answered by the old plan.
    pub late: bool,
}

/// One step of a session, or of the one who changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Begins a call; looks whether what is known stands.
    Begin(Who, Call),
    /// Gets the customer's lock.
    Enter(Who),
    /// Looks a second time whether what is known stands.
    Look(Who),
    /// Reads the generation.
    Stamp(Who),
    /// Takes a snapshot, resolves and keeps what was resolved.
    Resolve(Who),
    /// Answers a check, or judges a take on its entry.
    Answer(Who),
    Write(Who),
    Commit(Who),
    Abort(Who),
    /// The callback.
    End(Who),
    /// Lets the lock go.
    Leave(Who),
    Change(Change),
}

impl Model for Entitlement {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            plan: 0,
            tables: [0; 2],
            entries: [Entry::default(); 2],
            generation: 0,
            sessions: (0..self.bounds.sessions)
                .map(|number| Session::new(Name::of(number), self.bounds.calls))
                .collect(),
            shared: None,
            changer: Changer::default(),
            returned: false,
            late: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (place, session) in state.sessions.iter().enumerate() {
            let who = Who {
                place,
                name: session.name,
            };
            match session.phase {
                Phase::Idle if session.calls_left > 0 => {
                    actions.push(Action::Begin(who, Call::Take));
                    actions.push(Action::Begin(who, Call::Check));
                }
                Phase::Idle => {}
                Phase::Waiting { .. } if self.may_enter(state) => {
                    actions.push(Action::Enter(who));
                }
                Phase::Waiting { .. } => {}
                Phase::Locked { .. } if self.may_look(state) => actions.push(Action::Look(who)),
                Phase::Locked { .. } => {}
                Phase::Unresolved { .. } if self.bug == Some(Bug::GenerationAfterSnapshot) => {
                    actions.push(Action::Resolve(who));
                }
                Phase::Unresolved { .. } | Phase::Seen { .. } => actions.push(Action::Stamp(who)),
                Phase::Stamped { .. } => actions.push(Action::Resolve(who)),
                Phase::Resolved { .. } => actions.push(Action::Answer(who)),
                Phase::Judged { .. } => {
                    actions.extend([Action::Write(who), Action::Abort(who)]);
                }
                Phase::Written { .. } => {
                    actions.extend([Action::Commit(who), Action::Abort(who)]);
                }
                Phase::Ending { .. } => actions.push(Action::End(who)),
                Phase::Leaving => actions.push(Action::Leave(who)),
            }
        }
        let changes = self.changes(state).into_iter();
        actions.extend(changes.map(Action::Change));
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

impl Entitlement {
    /// The meter that a plan counts on.
    fn place(&self, plan: usize) -> usize {
        match self.bounds.kind {
            Kind::Switch => plan,
            Kind::Edit => 0,
        }
    }

    fn may_enter(&self, state: &State) -> bool {
        self.bug == Some(Bug::TakeWithoutLock) || !state.changer.locked
    }

    fn may_look(&self, state: &State) -> bool {
        let locked = |session: &&Session| session.locked;
        self.bug != Some(Bug::UpgradeLock) || state.sessions.iter().filter(locked).count() == 1
    }
}
