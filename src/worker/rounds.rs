//! Rounds of `flow::round`, each batch in a short transaction of its own, errors survived.
//!
//! Invariants: an error costs the batch, is logged once and not again until a round goes well; one
//! customer who cannot be settled holds up nobody; between two batches others get their turn.

use super::ground::{self, Ground};
use crate::backend::board::Board;
use crate::backend::slot::Slot;
use crate::backend::{clock, process};
use crate::error::{Error, Result};
use crate::flow::round::{Round, Stage};
use chrono::{DateTime, Duration, Utc};
use pgrx::pg_sys;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Batches of each kind in one round, so that signals and settings are looked at in between.
const JOBS: i32 = 100;
/// Customers who could not be settled are tried again after a while.
const AVOID_SECONDS: i64 = 300;
/// So are those whom somebody else was working on.
const BUSY_SECONDS: i64 = 5;
/// How many of the former, and how many texts of errors, are remembered.
const AVOIDED: usize = 10_000;

/// What came of a round.
pub enum Outcome {
    /// The database has nothing for a worker: no extension, not bound, became a template.
    Gone,
    /// Somebody else is at it; try again soon.
    Later,
    Failed,
    Done {
        /// Whether there was anything to do.
        worked: bool,
        /// Whether there is more to do at once.
        more: bool,
        /// The next date.
        due_at: Option<DateTime<Utc>>,
    },
}

/// The rounds of one worker.
pub struct Rounds {
    board: &'static Board,
    slot: &'static Slot,
    database: pg_sys::Oid,
    name: String,
    /// Customers who could not be settled, and since when.
    avoided: BTreeMap<Uuid, DateTime<Utc>>,
    /// Whom the last round settled first, if it ended early: still first in the next one, that
    /// customer would be settled for ever.
    first: Option<Uuid>,
    /// Texts of errors logged since the last round that went well.
    logged: BTreeSet<String>,
}

impl Rounds {
    pub fn new(board: &'static Board, slot: &'static Slot, database: pg_sys::Oid) -> Self {
        Self {
            board,
            slot,
            database,
            name: String::new(),
            avoided: BTreeMap::new(),
            first: None,
            logged: BTreeSet::new(),
        }
    }

    /// Does one round, and `meanwhile` between its batches.
    pub fn round(&mut self, mut meanwhile: impl FnMut()) -> Outcome {
        let begun = clock::wall_time();
        self.avoided
            .retain(|_, since| begun - *since < Duration::seconds(AVOID_SECONDS));
        let mut round = Round::new(JOBS, self.avoided.keys().copied().collect());
        let mut failed = false;
        let mut shown = 0_i64;
        loop {
            if process::is_asked_to_leave() || self.board.is_held(self.database) {
                return Outcome::Later;
            }
            meanwhile();
            match self.step(&mut round) {
                Ok(Ground::Gone) => return Outcome::Gone,
                Ok(Ground::Leaving) => return Outcome::Later,
                Ok(Ground::Firm(Stage::More)) => {
                    let folded = round.report().folded;
                    self.slot.folded.add(folded.saturating_sub(shown));
                    shown = folded;
                }
                Ok(Ground::Firm(Stage::Over)) => break,
                Err(error) => {
                    let customer = round.pass_over();
                    failed |= !customer.is_some_and(|id| self.avoid(id, begun));
                    self.record(error, customer);
                }
            }
        }
        process::report_statistics();
        let report = round.report();
        if let Some(id) = report.first.filter(|_| report.first == self.first) {
            failed |= !self.avoid(id, begun);
        }
        self.first = report.first.filter(|_| report.more);
        if failed {
            return Outcome::Failed;
        }
        if self.avoided.is_empty() {
            self.logged.clear();
        }
        let blocked = report.busy > 0 || report.fold_skipped.is_some();
        let soon = blocked.then(|| clock::wall_time() + Duration::seconds(BUSY_SECONDS));
        let again = self
            .avoided
            .values()
            .map(|since| *since + Duration::seconds(AVOID_SECONDS))
            .chain(soon);
        Outcome::Done {
            worked: report.folded > 0 || report.settled > 0 || report.webhooks > 0,
            more: report.more,
            due_at: report.due_at.into_iter().chain(again).min(),
        }
    }

    /// Leaves a customer alone for a while; false when too many are left alone already.
    fn avoid(&mut self, customer: Uuid, since: DateTime<Utc>) -> bool {
        let fits = self.avoided.len() < AVOIDED;
        if fits {
            self.avoided.insert(customer, since);
        }
        fits
    }

    /// One batch in one transaction.
    fn step(&mut self, round: &mut Round) -> Result<Ground<Stage>> {
        self.slot.heartbeat_at.set(Some(clock::wall_time()));
        ground::on_ground(self.database, &mut self.name, round.activity(), |caller| {
            round.step(caller)
        })
    }

    /// Puts the error on the board, and into the log if it is a new one.
    fn record(&mut self, error: Error, customer: Option<Uuid>) {
        let text = match customer {
            Some(id) => format!("customer {id}: {}", error.message()),
            None => error.message().to_owned(),
        };
        self.slot.errors.add(1);
        self.slot.error_at.set(Some(clock::wall_time()));
        self.board.set_error(self.slot, &text);
        if self.logged.len() >= AVOIDED {
            self.logged.clear();
        }
        if self.logged.insert(text) {
            let whose = match customer {
                Some(id) => format!(
                    "owostack worker in database \"{}\", customer {id}",
                    self.name
                ),
                None => format!("owostack worker in database \"{}\"", self.name),
            };
            error.log(&whose);
        }
    }
}
