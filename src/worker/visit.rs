//! A worker's stay in one database: when to do a round, when to sleep, when to leave.
//!
//! Calls to providers have their turn whenever it wakes, and between the batches of a round.
//! Invariants: a note is taken up before tables are read, so nothing noted is lost; between rounds
//! lies a naptime, so that one folds many rows; whatever ends the stay leaves a state on the board
//! from which the launcher knows when to come back.

use super::calls::Calls;
use super::rounds::{Outcome, Rounds};
use crate::backend::board::{self, Board};
use crate::backend::slot::{Slot, State};
use crate::backend::{clock, process};
use crate::guc;
use chrono::{DateTime, Duration, Utc};
use pgrx::pg_sys;

/// A sleeping worker shows a heartbeat so often.
const HEARTBEAT_SECONDS: i64 = 10;
/// Where other databases wait for a process, a worker with work stays so long.
const SHIFT_SECONDS: i64 = 10;
/// Waiting time after a round that failed; doubles with each further one.
const BACKOFF_SECONDS: i64 = 1;
const BACKOFF_SECONDS_MAX: i64 = 60;

struct Visit {
    board: &'static Board,
    slot: &'static Slot,
    database: pg_sys::Oid,
    rounds: Rounds,
    calls: Calls,
    began_at: DateTime<Utc>,
    /// End of the last round.
    rested_at: DateTime<Utc>,
    /// When there was last something to do.
    busy_at: DateTime<Utc>,
    /// When the next round is due whether or not anything is noted.
    next_at: Option<DateTime<Utc>>,
    /// The next date that the last round found.
    due_at: Option<DateTime<Utc>>,
    failures: u32,
}

/// The life of a worker.
pub fn run(database: pg_sys::Oid) {
    process::begin();
    let Some(board) = board::board() else {
        return;
    };
    let Some(slot) = board.claim(database) else {
        return;
    };
    // Before connecting: a command that wants the database to itself is not even disturbed.
    if board.is_held(database) || !guc::worker() || !board.take_seat(&slot.seat) {
        slot.set_state(State::Resting);
        slot.note();
        return;
    }
    process::leave_at_exit(&slot.seat);
    process::connect(Some(database));
    process::pin_settings();
    let now = clock::wall_time();
    slot.set_state(State::Running);
    slot.started_at.set(Some(now));
    let visit = Visit {
        board,
        slot,
        database,
        rounds: Rounds::new(board, slot, database),
        calls: Calls::new(board, slot, database),
        began_at: now,
        rested_at: DateTime::UNIX_EPOCH,
        busy_at: now,
        next_at: Some(now),
        due_at: None,
        failures: 0,
    };
    slot.set_state(visit.stay());
}

impl Visit {
    /// Rounds and sleep, until something ends the stay; returns the state to leave behind.
    fn stay(mut self) -> State {
        loop {
            let now = clock::wall_time();
            self.slot.heartbeat_at.set(Some(now));
            if process::is_asked_to_leave() || self.board.is_held(self.database) || !guc::worker() {
                self.slot.note();
                return State::Resting;
            }
            if self.calls.turn() {
                self.busy_at = now;
            }
            let next = self.next_round(now);
            if next <= now {
                if !self.round() {
                    return State::Absent;
                }
                process::sleep(std::time::Duration::ZERO);
                continue;
            }
            self.show_due();
            let calls_at = self.calls.next_at();
            let next = calls_at.map_or(next, |at| at.min(next));
            if self.is_over(now, next) {
                return State::Resting;
            }
            let heartbeat = now + Duration::seconds(HEARTBEAT_SECONDS);
            let idle = Some(self.idle_at()).filter(|at| *at > now);
            let until = idle.into_iter().chain([next, heartbeat]).min();
            let time = until.unwrap_or(next) - now;
            process::sleep_watching(time.to_std().unwrap_or_default(), self.calls.file());
        }
    }

    /// Tells the launcher when a worker is needed at the latest.
    fn show_due(&self) {
        let due = self.due_at.into_iter().chain(self.calls.outbox_at());
        self.slot.due_at.set(due.min());
    }

    /// When to do the next round.
    fn next_round(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if self.failures > 0 {
            return self.rested_at + backoff(self.failures);
        }
        let rested = self.rested_at + Duration::milliseconds(guc::worker_naptime_ms());
        let noted = self.slot.is_noted().then_some(rested);
        let distant = now + Duration::days(1);
        noted
            .into_iter()
            .chain(self.next_at)
            .min()
            .unwrap_or(distant)
    }

    fn idle_at(&self) -> DateTime<Utc> {
        self.busy_at + Duration::seconds(guc::worker_idle_s())
    }

    /// Whether to leave rather than to sleep until `next`.
    fn is_over(&self, now: DateTime<Utc>, next: DateTime<Utc>) -> bool {
        if self.calls.is_busy() {
            return false;
        }
        if self.board.full_at.get().is_some() {
            let worked = now - self.began_at >= Duration::seconds(SHIFT_SECONDS);
            return worked || !self.slot.is_noted();
        }
        let soon = now + Duration::seconds(guc::worker_idle_s());
        self.failures == 0 && now >= self.idle_at() && next > soon
    }

    /// One round; false when the database has nothing for a worker any more.
    fn round(&mut self) -> bool {
        self.slot.take_note();
        let calls = &mut self.calls;
        let outcome = self.rounds.round(|| {
            calls.turn();
        });
        self.calls.look_soon();
        let now = clock::wall_time();
        self.rested_at = now;
        self.slot.heartbeat_at.set(Some(now));
        self.slot.rounds.add(1);
        match outcome {
            Outcome::Gone => return false,
            Outcome::Failed => {
                self.slot.set_state(State::Failed);
                self.failures = self.failures.saturating_add(1);
                self.next_at = Some(now);
            }
            Outcome::Later => {
                self.failures = 0;
                self.next_at = Some(now + Duration::milliseconds(guc::worker_naptime_ms()));
            }
            Outcome::Done {
                worked,
                more,
                due_at,
            } => {
                self.slot.set_state(State::Running);
                self.failures = 0;
                if worked {
                    self.busy_at = now;
                }
                self.next_at = if more { Some(now) } else { due_at };
                self.due_at = due_at;
            }
        }
        true
    }
}

fn backoff(failures: u32) -> Duration {
    let doubled = BACKOFF_SECONDS.saturating_mul(1_i64 << failures.saturating_sub(1).min(16));
    Duration::seconds(doubled.min(BACKOFF_SECONDS_MAX))
}
