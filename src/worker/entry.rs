//! What the launcher remembers of one database, and when that database should have a worker.

use crate::backend::board::Board;
use crate::backend::slot::State;
use chrono::{DateTime, Duration, Utc};
use pgrx::bgworkers::{BackgroundWorkerStatus, DynamicBackgroundWorker};
use pgrx::pg_sys;

/// How often a resting worker is sent to look, whatever the board says.
const REST_SECONDS: i64 = 3_600;
/// Waiting time after a failed start; doubles with each further one.
const BACKOFF_SECONDS: i64 = 5;
const BACKOFF_SECONDS_MAX: i64 = 300;

/// One database.
pub struct Entry {
    database: pg_sys::Oid,
    pub name: String,
    /// The process that was asked for, until it has ended.
    pub worker: Option<DynamicBackgroundWorker>,
    /// Whether a worker has looked at it since the launcher began.
    pub seen: bool,
    /// When a worker last left, or the database was found; the longest waiting goes first.
    pub waiting_since: DateTime<Utc>,
    not_before: DateTime<Utc>,
    failures: u32,
}

impl Entry {
    /// A database that nobody has looked at.
    pub fn new(database: u32, now: DateTime<Utc>) -> Self {
        Self {
            database: pg_sys::Oid::from(database),
            name: String::new(),
            worker: None,
            seen: false,
            waiting_since: now,
            not_before: DateTime::UNIX_EPOCH,
            failures: 0,
        }
    }

    /// Whether its first worker is looking for the first time: one that has done a round may stay as
    /// long as there is work, and keeps nobody waiting.
    pub fn is_first_look(&self, board: &Board) -> bool {
        let has_looked = || {
            let slot = board.find(self.database);
            slot.is_some_and(|slot| slot.rounds.get() > 0)
        };
        self.worker.is_some() && !self.seen && !has_looked()
    }

    /// Whether its worker was there and has ended.
    pub fn has_ended(&self) -> bool {
        self.worker
            .as_ref()
            .is_some_and(|worker| matches!(worker.pid(), Err(BackgroundWorkerStatus::Stopped)))
    }

    /// Its worker ended as it should.
    pub fn left(&mut self, now: DateTime<Utc>) {
        self.worker = None;
        self.waiting_since = now;
        self.seen = true;
        self.failures = 0;
    }

    /// Its worker ended otherwise; the next one waits a while.
    pub fn failed(&mut self, now: DateTime<Utc>) {
        self.worker = None;
        self.waiting_since = now;
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(16);
        let seconds = BACKOFF_SECONDS.saturating_mul(1_i64 << doublings);
        self.not_before = now + Duration::seconds(seconds.min(BACKOFF_SECONDS_MAX));
    }

    /// Whether it should have a worker now and has none.
    pub fn is_wanting(&self, board: &Board, now: DateTime<Utc>) -> bool {
        let seated = board
            .find(self.database)
            .is_some_and(|slot| slot.seat.pid().is_some());
        !seated && self.wanted_at(board).is_some_and(|at| at <= now)
    }

    /// From when on it should have a worker; None while it has one, or when nothing is expected.
    pub fn wanted_at(&self, board: &Board) -> Option<DateTime<Utc>> {
        if self.worker.is_some() || board.is_held(self.database) {
            return None;
        }
        let at_once = Some(self.not_before);
        let Some(slot) = board.find(self.database) else {
            return at_once.filter(|_| !self.seen);
        };
        if !self.seen || slot.is_noted() {
            return at_once;
        }
        match slot.state() {
            State::Absent => None,
            State::Resting => {
                let rest = self.waiting_since + Duration::seconds(REST_SECONDS);
                let at = slot.due_at.get().map_or(rest, |due| due.min(rest));
                Some(at.max(self.not_before))
            }
            _ => at_once,
        }
    }
}
