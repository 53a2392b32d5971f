//! One database on the board: its worker, what waits for it, what it reports.
//!
//! Fields are atomics and need no lock; a stale value costs a needless look, never a lost one.
//! Giving a slot to a database and freeing it is the board's, under its lock.

use crate::backend::clock;
use crate::backend::seat::Seat;
use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::SeqCst};

/// How it stands with the worker of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Nobody has looked yet.
    Unknown,
    /// The launcher asked for a process.
    Starting,
    Running,
    /// Left with nothing to do; comes back by note or by date.
    Resting,
    /// No extension here, or not bound to this database.
    Absent,
    /// No background process was free.
    Waiting,
    /// Its last round failed, or the process ended unexpectedly; tried again later.
    Failed,
}

const STATES: [State; 7] = [
    State::Unknown,
    State::Starting,
    State::Running,
    State::Resting,
    State::Absent,
    State::Waiting,
    State::Failed,
];

/// A time that others may read at any moment; unset it is none.
#[repr(C)]
pub struct Stamp(AtomicI64);

/// A number that only grows.
#[repr(C)]
pub struct Counter(AtomicU64);

/// One database.
#[repr(C)]
pub struct Slot {
    /// Its oid; 0 in a free slot. Written under the board's lock.
    database: AtomicU32,
    /// Whether something was noted that no round has taken up yet.
    noted: AtomicBool,
    /// Whether something is to be sent to a provider that nobody has looked at yet.
    called: AtomicBool,
    state: AtomicU32,
    /// Written under the board's lock.
    error_length: AtomicU32,
    /// Where the worker sits.
    pub seat: Seat,
    pub started_at: Stamp,
    pub heartbeat_at: Stamp,
    /// When the worker has to look again at the latest.
    pub due_at: Stamp,
    pub error_at: Stamp,
    pub rounds: Counter,
    pub folded: Counter,
    pub errors: Counter,
}

const _: () = assert!(size_of::<Slot>() == 80);

impl Stamp {
    pub const fn unset() -> Self {
        Self(AtomicI64::new(0))
    }

    /// The time, if one is set.
    pub fn get(&self) -> Option<DateTime<Utc>> {
        match self.0.load(SeqCst) {
            0 => None,
            micros => clock::from_postgres(micros),
        }
    }

    /// Sets or unsets it.
    pub fn set(&self, at: Option<DateTime<Utc>>) {
        self.0.store(at.map_or(0, clock::to_postgres), SeqCst);
    }
}

impl Counter {
    const fn zero() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The number, as SQL can show it.
    pub fn get(&self) -> i64 {
        i64::try_from(self.0.load(SeqCst)).unwrap_or(i64::MAX)
    }

    /// Lets it grow.
    pub fn add(&self, more: i64) {
        self.0.fetch_add(u64::try_from(more).unwrap_or(0), SeqCst);
    }
}

impl Slot {
    /// A free slot.
    pub const fn free() -> Self {
        Self {
            database: AtomicU32::new(0),
            noted: AtomicBool::new(false),
            called: AtomicBool::new(false),
            state: AtomicU32::new(State::Unknown as u32),
            error_length: AtomicU32::new(0),
            seat: Seat::empty(),
            started_at: Stamp::unset(),
            heartbeat_at: Stamp::unset(),
            due_at: Stamp::unset(),
            error_at: Stamp::unset(),
            rounds: Counter::zero(),
            folded: Counter::zero(),
            errors: Counter::zero(),
        }
    }

    /// The database's oid, 0 in a free slot.
    pub fn database(&self) -> u32 {
        self.database.load(SeqCst)
    }

    /// Frees the slot unless a note waits; under the board's lock.
    pub fn release(&self) {
        let database = self.database.swap(0, SeqCst);
        if self.is_noted() {
            self.database.store(database, SeqCst);
        }
    }

    /// Gives a free slot to a database; under the board's lock.
    pub fn assign(&self, database: u32) {
        self.noted.store(false, SeqCst);
        self.called.store(false, SeqCst);
        self.set_state(State::Unknown);
        self.set_error_length(0);
        for stamp in [
            &self.started_at,
            &self.heartbeat_at,
            &self.due_at,
            &self.error_at,
        ] {
            stamp.set(None);
        }
        for counter in [&self.rounds, &self.folded, &self.errors] {
            counter.0.store(0, SeqCst);
        }
        self.database.store(database, SeqCst);
    }

    /// Leaves a note; true when there was none.
    pub fn note(&self) -> bool {
        !self.noted.load(SeqCst) && !self.noted.swap(true, SeqCst)
    }

    /// Whether a note waits.
    pub fn is_noted(&self) -> bool {
        self.noted.load(SeqCst)
    }

    /// Takes the note up; whoever does reads the tables afterwards.
    pub fn take_note(&self) {
        self.noted.store(false, SeqCst);
    }

    /// Notes a call to a provider; true when none was noted.
    pub fn note_call(&self) -> bool {
        !self.called.load(SeqCst) && !self.called.swap(true, SeqCst)
    }

    /// Whether a call to a provider is noted.
    pub fn is_called(&self) -> bool {
        self.called.load(SeqCst)
    }

    /// Takes that note up; whoever does reads the outbox afterwards.
    pub fn take_call(&self) {
        self.called.store(false, SeqCst);
    }

    pub fn state(&self) -> State {
        let number = self.state.load(SeqCst);
        STATES
            .into_iter()
            .find(|state| *state as u32 == number)
            .unwrap_or(State::Unknown)
    }

    pub fn set_state(&self, state: State) {
        self.state.store(state as u32, SeqCst);
    }

    /// Bytes of the last error's text.
    pub fn error_length(&self) -> usize {
        self.error_length.load(SeqCst) as usize
    }

    /// Under the board's lock.
    pub fn set_error_length(&self, length: usize) {
        self.error_length
            .store(u32::try_from(length).unwrap_or(0), SeqCst);
    }
}
