//! How it stands with the background worker of this database, and what to do about it.

use crate::backend::board;
use crate::backend::slot::{Slot, State};
use crate::backend::{clock, database};
use crate::guc;
use chrono::{DateTime, Utc};

/// What there is to know.
#[derive(Debug, Clone, Default)]
pub struct WorkerStatus {
    /// `by_hand`, `off`, `standby`, `running`, `starting`, `resting`, `waiting` or `failing`.
    pub state: &'static str,
    /// What a person should do; None when all is well.
    pub advice: Option<&'static str>,
    pub pid: Option<i32>,
    pub started_at: Option<DateTime<Utc>>,
    pub heartbeat_at: Option<DateTime<Utc>>,
    pub next_due_at: Option<DateTime<Utc>>,
    pub rounds: i64,
    pub folded: i64,
    pub errors: i64,
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
}

/// The status of this database's worker.
pub fn here() -> WorkerStatus {
    let board = board::board();
    let slot = board.and_then(|board| board.find(database::own()));
    let (state, advice) = if board.is_none() {
        ("by_hand", Some(PRELOAD))
    } else if clock::is_in_recovery() {
        ("standby", None)
    } else if guc::worker() {
        slot.map_or(("resting", None), standing)
    } else {
        ("off", Some(SWITCH_ON))
    };
    let status = WorkerStatus {
        state,
        advice,
        ..WorkerStatus::default()
    };
    let (Some(board), Some(slot)) = (board, slot) else {
        return status;
    };
    WorkerStatus {
        pid: slot.seat.pid(),
        started_at: slot.started_at.get(),
        heartbeat_at: slot.heartbeat_at.get(),
        next_due_at: slot.due_at.get(),
        rounds: slot.rounds.get(),
        folded: slot.folded.get(),
        errors: slot.errors.get(),
        last_error: board.error(slot),
        last_error_at: slot.error_at.get(),
        ..status
    }
}

const PRELOAD: &str = "The library is not preloaded: add owostack to shared_preload_libraries and \
    restart the server, or call owo_worker_tick() regularly.";
const SWITCH_ON: &str = "Workers are switched off: set owostack.worker to on, or call \
    owo_worker_tick() regularly.";
const PROCESSES: &str = "No background process is free: raise max_worker_processes and restart the \
    server, or call owo_worker_tick() regularly.";
const FAILING: &str = "The worker fails and tries again: see last_error and the server log.";

fn standing(slot: &Slot) -> (&'static str, Option<&'static str>) {
    match slot.state() {
        State::Starting => ("starting", None),
        State::Running => ("running", None),
        State::Unknown | State::Resting | State::Absent => ("resting", None),
        State::Waiting => ("waiting", Some(PROCESSES)),
        State::Failed => ("failing", Some(FAILING)),
    }
}
