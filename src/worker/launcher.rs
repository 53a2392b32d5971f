//! The launcher: starts a worker wherever there is something to do, and only there.
//!
//! Connected to no database, so it is in nobody's way. Sleeps on its latch; looks at once when a
//! note, an ending worker or a released database wakes it, and else when the next date comes.
//! Invariants: a database has at most one worker; a failing or crowded start is tried again later,
//! never in a loop; a server without free background processes is reported once.

use super::WORKER;
use super::entry::Entry;
use crate::backend::board::{self, Board};
use crate::backend::database::{self, Database};
use crate::backend::slot::{Slot, State};
use crate::backend::{clock, process};
use crate::error::Error;
use crate::guc;
use chrono::{DateTime, Duration, Utc};
use pgrx::pg_sys;
use std::collections::BTreeMap;

/// How often databases are listed anew, to find created ones and forget dropped ones.
const LIST_SECONDS: i64 = 60;
/// Databases that nobody has looked at yet are looked at so many at a time.
const FIRST_LOOKS: usize = 2;
/// How soon those that had to wait for such a look are considered again.
const LOOK_AGAIN: Duration = Duration::seconds(1);
/// Waiting time after the server had no process to give.
const REFUSED_SECONDS: i64 = 5;
/// How often a server without free background processes is told again.
const REPORT_SECONDS: i64 = 3_600;

struct Launcher {
    board: &'static Board,
    entries: BTreeMap<u32, Entry>,
    listed_at: Option<DateTime<Utc>>,
    reported_at: Option<DateTime<Utc>>,
    not_before: DateTime<Utc>,
}

/// The life of the launcher.
pub fn run() {
    process::begin();
    let Some(board) = board::board() else {
        return;
    };
    process::connect(None);
    if !board.take_seat(&board.launcher) {
        return;
    }
    process::leave_at_exit(&board.launcher);
    let mut launcher = Launcher {
        board,
        entries: BTreeMap::new(),
        listed_at: None,
        reported_at: None,
        not_before: DateTime::UNIX_EPOCH,
    };
    while !process::is_asked_to_leave() {
        let now = clock::wall_time();
        let next = if guc::worker() {
            launcher.look(now)
        } else {
            now + Duration::seconds(LIST_SECONDS)
        };
        process::sleep((next - now).to_std().unwrap_or_default());
    }
    process::end_and_be_replaced();
}

impl Launcher {
    /// Starts what has to be started; returns when to look again at the latest.
    fn look(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.collect(now);
        let stale = self
            .listed_at
            .is_none_or(|at| now - at >= Duration::seconds(LIST_SECONDS));
        let unknown = |slot: &Slot| slot.is_noted() && !self.entries.contains_key(&slot.database());
        // Listed anew before each start: a process for a dropped database would die loudly.
        let starts = now >= self.not_before && !self.wanting(now).is_empty();
        if stale || starts || self.board.slots().any(unknown) {
            self.list(now);
        }
        let held_back = self.start(now);
        let next = self.next_look(now);
        if held_back {
            return next.min(now + LOOK_AGAIN);
        }
        next
    }

    /// Databases that should have a worker now, the longest waiting first.
    fn wanting(&self, now: DateTime<Utc>) -> Vec<u32> {
        let mut wanting: Vec<(DateTime<Utc>, u32)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.is_wanting(self.board, now))
            .map(|(oid, entry)| (entry.waiting_since, *oid))
            .collect();
        wanting.sort_unstable();
        wanting.into_iter().map(|(_, oid)| oid).collect()
    }

    /// Takes in new databases, forgets those that are gone or take no worker.
    fn list(&mut self, now: DateTime<Utc>) {
        let Ok(databases) = process::transaction("list databases", || Ok(database::all())) else {
            return;
        };
        self.listed_at = Some(now);
        let taking: BTreeMap<u32, &Database> = databases
            .iter()
            .filter(|database| database.takes_worker)
            .map(|database| (database.oid.to_u32(), database))
            .collect();
        self.entries
            .retain(|oid, entry| entry.worker.is_some() || taking.contains_key(oid));
        for slot in self.board.slots() {
            if !taking.contains_key(&slot.database()) {
                self.board.free(slot);
            }
        }
        for (oid, database) in taking {
            let entry = self
                .entries
                .entry(oid)
                .or_insert_with(|| Entry::new(oid, now));
            entry.name.clone_from(&database.name);
        }
    }

    /// Notices which workers have ended, and how.
    fn collect(&mut self, now: DateTime<Utc>) {
        for (oid, entry) in &mut self.entries {
            if !entry.has_ended() {
                continue;
            }
            self.not_before = now;
            let slot = self.board.find(pg_sys::Oid::from(*oid));
            match slot.map(|slot| (slot, slot.state())) {
                Some((slot, State::Starting | State::Running | State::Failed)) => {
                    slot.set_state(State::Failed);
                    entry.failed(now);
                }
                Some((slot, State::Absent)) => {
                    self.board.free(slot);
                    entry.left(now);
                }
                _ => entry.left(now),
            }
        }
    }

    /// Starts workers; true when a database waits for the first look at others to end.
    fn start(&mut self, now: DateTime<Utc>) -> bool {
        if now < self.not_before {
            return false;
        }
        let wanting = self.wanting(now);
        let mut looking = self
            .entries
            .values()
            .filter(|entry| entry.is_first_look(self.board))
            .count();
        let mut refused = false;
        let mut held_back = false;
        for oid in wanting {
            let Some(entry) = self.entries.get_mut(&oid) else {
                continue;
            };
            if !entry.seen && looking >= FIRST_LOOKS {
                held_back = true;
                continue;
            }
            let oid = pg_sys::Oid::from(oid);
            let Some(slot) = self.board.claim(oid) else {
                continue;
            };
            if refused {
                slot.set_state(State::Waiting);
                continue;
            }
            slot.set_state(State::Starting);
            entry.worker = process::start(WORKER, oid, &entry.name);
            if entry.worker.is_some() {
                looking += usize::from(!entry.seen);
            } else {
                refused = true;
                slot.set_state(State::Waiting);
            }
        }
        self.crowded(refused, now);
        held_back
    }

    /// Remembers whether the server had no process left, and says so once in a long while.
    fn crowded(&mut self, refused: bool, now: DateTime<Utc>) {
        if !refused {
            self.board.full_at.set(None);
            return;
        }
        self.not_before = now + Duration::seconds(REFUSED_SECONDS);
        if self.board.full_at.get().is_none() {
            self.board.full_at.set(Some(now));
            // Workers that have nothing to do make room.
            for slot in self.board.slots() {
                slot.seat.wake();
            }
        }
        let told = self
            .reported_at
            .is_some_and(|at| now - at < Duration::seconds(REPORT_SECONDS));
        if !told {
            self.reported_at = Some(now);
            Error::exhausted("no background process is free for a worker")
                .hint("Raise max_worker_processes and restart the server; until then usage counts, but is folded late.")
                .log("owostack launcher");
        }
    }

    fn next_look(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let listing = self.listed_at.unwrap_or(now) + Duration::seconds(LIST_SECONDS);
        self.entries
            .values()
            .filter_map(|entry| Some(entry.wanted_at(self.board)?.max(self.not_before)))
            .chain([listing])
            .filter(|at| *at > now)
            .min()
            .unwrap_or(listing)
            .max(now)
    }
}
