//! A look at an entry without its lock, beside one who changes it word by word.
//!
//! `src/meter/shared/slot.rs`: whoever holds the partition's lock makes the version odd, stores the
//! words and makes it even again; a glance reads the version, the words and the version again, and is
//! believed only if both are the same even number and the key is the one that was asked for. Whoever
//! does not believe a glance takes the lock, which is not modelled: then nothing is torn.
//! Deliberately absent: stores that another processor sees in another order, which fences rule out.

use stateright::{Model, Property};

/// What a glance that is believed says was the entry's at some moment while it looked.
pub const SOME_MOMENT: &str = "what is believed was true at some moment";
/// Somebody looks between two changes.
pub const BELIEVED: &str = "a glance after a change is believed";
/// The entry changes under the glance.
pub const REFUSED: &str = "a glance is not believed";

/// What a careless change could make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The version is not read again.
    NoSecondLook,
    /// An odd version is believed.
    OddBelieved,
    /// The version moves once, when all words are there.
    MoveOnce,
    /// The version moves before the words, not after.
    EvenTooEarly,
    /// Whose entry it is is not compared.
    NoKey,
}

/// The entry of one meter, or of another that came in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Words {
    pub meter: u8,
    pub used: i8,
    pub open: i8,
}

/// Changes, one after the other: a take, its commit, a take, its abort, an eviction.
const CHANGES: [Words; 6] = [
    words(0, 1, 1),
    words(0, 1, 0),
    words(0, 3, 2),
    words(0, 1, 0),
    words(1, 7, 0),
    words(0, 1, 0),
];

const fn words(meter: u8, used: i8, open: i8) -> Words {
    Words { meter, used, open }
}

/// The model.
#[derive(Debug, Clone)]
pub struct Glance {
    pub bug: Option<Bug>,
}

/// Where the glance is, and what it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reader {
    /// How many of its reads are done.
    done: u8,
    /// Changes that were complete when it began.
    since: usize,
    version: u8,
    read: Words,
    believed: Option<bool>,
}

/// Everything that a step can see or change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    version: u8,
    entry: Words,
    /// Changes that are complete.
    changes: usize,
    /// Steps of the running one.
    stored: u8,
    reader: Reader,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The next store of whoever holds the lock.
    Store,
    /// The next read of the glance.
    Read,
}

impl Model for Glance {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            version: 0,
            entry: Words::default(),
            changes: 0,
            stored: 0,
            reader: Reader {
                done: 0,
                since: 0,
                version: 0,
                read: Words::default(),
                believed: None,
            },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.changes < CHANGES.len() {
            actions.push(Action::Store);
        }
        if state.reader.believed.is_none() {
            actions.push(Action::Read);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Store => self.store(&mut state),
            Action::Read => self.read(&mut state),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(SOME_MOMENT, |_, state: &State| {
                let reader = &state.reader;
                reader.believed != Some(true)
                    || (reader.since..=state.changes).any(|at| entry_after(at) == reader.read)
            }),
            Property::sometimes(BELIEVED, |_, state: &State| {
                state.reader.believed == Some(true) && state.reader.since > 0
            }),
            Property::sometimes(REFUSED, |_, state: &State| {
                state.reader.believed == Some(false)
            }),
        ]
    }
}

fn entry_after(changes: usize) -> Words {
    let last = changes.checked_sub(1);
    last.map_or(Words::default(), |last| CHANGES[last])
}

impl Glance {
    /// Odd, the words, even.
    fn store(&self, state: &mut State) {
        let next = CHANGES[state.changes];
        let moves = match self.bug {
            Some(Bug::MoveOnce) => state.stored == 4,
            Some(Bug::EvenTooEarly) => state.stored == 0,
            _ => matches!(state.stored, 0 | 4),
        };
        if moves {
            let even = self.bug == Some(Bug::EvenTooEarly) || self.bug == Some(Bug::MoveOnce);
            state.version += if even { 2 } else { 1 };
        }
        match state.stored {
            1 => state.entry.meter = next.meter,
            2 => state.entry.used = next.used,
            3 => state.entry.open = next.open,
            _ => {}
        }
        state.stored += 1;
        if state.stored == 5 {
            state.stored = 0;
            state.changes += 1;
        }
    }

    /// The version, the words, the version.
    fn read(&self, state: &mut State) {
        let reader = &mut state.reader;
        match reader.done {
            0 => {
                reader.since = state.changes;
                reader.version = state.version;
                let odd = state.version % 2 == 1 && self.bug != Some(Bug::OddBelieved);
                reader.believed = odd.then_some(false);
            }
            1 => reader.read.meter = state.entry.meter,
            2 => reader.read.used = state.entry.used,
            3 => reader.read.open = state.entry.open,
            _ => {
                let same = state.version == reader.version || self.bug == Some(Bug::NoSecondLook);
                let meant = reader.read.meter == 0 || self.bug == Some(Bug::NoKey);
                reader.believed = Some(same && meant);
                // What the caller takes it for.
                reader.read.meter = 0;
            }
        }
        reader.done += 1;
    }
}
