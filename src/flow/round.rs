//! One round of the database work that waits for nobody's call: dates, fold, and what has grown old.
//!
//! Called batch by batch by the worker, each batch in a transaction of its own, and by
//! `owo_worker_tick`, all in the caller's: so the two cannot differ. Invariants: every batch is
//! bounded; each is complete in itself and may be repeated; what somebody else holds is passed over,
//! never waited for; nothing happens in a database that is not bound (protocol 31).

use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::flow::due;
use crate::flow::fold::{self, Folded};
use crate::flow::provider::key;
use crate::flow::webhook;
use crate::guc;
use crate::meter;
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeSet, VecDeque};
use uuid::Uuid;

/// Idempotency keys, ended holds, and jobs long done, that one statement deletes at most.
const BATCH_KEYS: i64 = 1_000;

/// How long a job for a provider is shown after it was done.
const KEEP_JOBS: Duration = Duration::days(30);

/// Bodies of webhooks that one statement drops at most.
const BATCH_BODIES: i64 = 500;

/// Why the fold rests when another transaction is at it.
const BUSY: &str = "another transaction folds";

/// Whether a round goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    More,
    Over,
}

/// What a round does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Webhooks,
    Dates,
    Partitions,
    Fold,
    Keys,
    Upkeep,
    Outlook,
    Over,
}

/// What a round has done.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Rows of usage folded.
    pub folded: i64,
    /// Why nothing was folded, where that was not for want of rows.
    pub fold_skipped: Option<&'static str>,
    /// Customers whose dates were made rows.
    pub settled: i64,
    /// The first of them.
    pub first: Option<Uuid>,
    /// Customers whom somebody else was working on.
    pub busy: i64,
    /// Webhooks that were applied, or put off with a reason.
    pub webhooks: i64,
    /// Idempotency keys deleted.
    pub keys: i64,
    /// When the next date comes.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether the round ended before the work did.
    pub more: bool,
}

/// One round.
pub struct Round {
    task: Task,
    /// Batches that may still be done of the running task.
    left: i32,
    jobs: i32,
    /// Customers to leave alone.
    avoided: BTreeSet<Uuid>,
    /// Customers to settle; None before they were looked up.
    queue: Option<VecDeque<due::Due>>,
    /// Whom the running batch is about.
    current: Option<Uuid>,
    report: Report,
}

impl Round {
    /// A round of at most `jobs` batches of each kind that leaves some customers alone.
    pub fn new(jobs: i32, avoided: BTreeSet<Uuid>) -> Self {
        Self {
            task: Task::Webhooks,
            left: jobs,
            jobs,
            avoided,
            queue: None,
            current: None,
            report: Report::default(),
        }
    }

    /// What the next batch is about, for those who watch.
    pub fn activity(&self) -> &'static str {
        match self.task {
            Task::Webhooks => "apply webhooks",
            Task::Dates => "settle dates",
            Task::Partitions => "make partitions",
            Task::Fold => "fold usage",
            Task::Keys => "delete old keys and holds",
            Task::Upkeep => "drop old webhooks and months, seal anew",
            Task::Outlook | Task::Over => "look for the next date",
        }
    }

    /// Does the next batch in the running transaction.
    ///
    /// # Errors
    /// As the flows; [`Round::pass_over`] goes on with what comes after.
    pub fn step(&mut self, caller: &Caller) -> Result<Stage> {
        match self.task {
            Task::Webhooks => self.apply_webhooks(caller)?,
            Task::Dates => self.settle(caller)?,
            Task::Partitions => self.make_partitions()?,
            Task::Fold => self.fold()?,
            Task::Keys => self.delete_keys(caller)?,
            Task::Upkeep => self.keep_up(caller)?,
            Task::Outlook => {
                let webhook = db::webhook::next_due(&Snapshot::latest()?)?;
                let webhook = webhook.filter(|_| guc::outbox());
                self.report.due_at = due::next_after(caller.at)?.into_iter().chain(webhook).min();
                self.go_on(Task::Over);
            }
            Task::Over => {}
        }
        Ok(match self.task {
            Task::Over => Stage::Over,
            _ => Stage::More,
        })
    }

    /// Leaves a failed batch behind; returns the customer it was about, if it was about one.
    pub fn pass_over(&mut self) -> Option<Uuid> {
        let customer = self.current.take();
        match self.task {
            Task::Webhooks => self.go_on(Task::Dates),
            Task::Dates if customer.is_some() => {}
            Task::Dates => self.go_on(Task::Partitions),
            Task::Partitions => self.go_on(Task::Fold),
            Task::Fold => self.go_on(Task::Keys),
            Task::Keys => self.go_on(Task::Upkeep),
            Task::Upkeep => self.go_on(Task::Outlook),
            Task::Outlook | Task::Over => self.go_on(Task::Over),
        }
        customer
    }

    /// What has been done so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn go_on(&mut self, task: Task) {
        self.task = task;
        self.left = self.jobs;
    }

    /// Takes one batch from what the round may do; false when there is none left.
    fn spend(&mut self) -> bool {
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        self.report.more |= !may;
        may
    }

    /// Applies webhooks before dates act: what a provider said may change a date.
    fn apply_webhooks(&mut self, caller: &Caller) -> Result<()> {
        if !guc::outbox() || !self.spend() {
            self.go_on(Task::Dates);
            return Ok(());
        }
        let batch = webhook::apply::apply_due(caller)?;
        self.report.webhooks = self.report.webhooks.saturating_add(batch.tried);
        self.report.busy = self.report.busy.saturating_add(batch.busy);
        // What was tried may have let others go on.
        if batch.tried == 0 {
            self.go_on(Task::Dates);
        }
        Ok(())
    }

    /// Settles one customer.
    fn settle(&mut self, caller: &Caller) -> Result<()> {
        if self.queue.is_none() {
            if !db::installation::is_active(&Snapshot::latest()?)? {
                self.report.fold_skipped = Some("the database is not bound yet");
                self.go_on(Task::Over);
                return Ok(());
            }
            let limit = i64::from(self.jobs).saturating_add(1);
            let known = i64::try_from(self.avoided.len()).unwrap_or(i64::MAX);
            let found = due::find(caller, limit.saturating_add(known))?;
            let wanted = |one: &due::Due| !self.avoided.contains(&one.customer_id);
            self.queue = Some(found.into_iter().filter(wanted).collect());
        }
        let Some(next) = self.queue.as_mut().and_then(VecDeque::pop_front) else {
            self.go_on(Task::Partitions);
            return Ok(());
        };
        if !self.spend() {
            self.go_on(Task::Partitions);
            return Ok(());
        }
        self.current = Some(next.customer_id);
        if due::try_settle(caller, &next)? {
            self.report.settled = self.report.settled.saturating_add(1);
            self.report.first.get_or_insert(next.customer_id);
        } else {
            self.report.busy = self.report.busy.saturating_add(1);
        }
        self.current = None;
        Ok(())
    }

    fn make_partitions(&mut self) -> Result<()> {
        if fold::make_partitions()? {
            self.go_on(Task::Fold);
        } else {
            self.report.fold_skipped = Some(BUSY);
            self.go_on(Task::Keys);
        }
        Ok(())
    }

    fn fold(&mut self) -> Result<()> {
        if !self.spend() {
            self.go_on(Task::Keys);
            return Ok(());
        }
        let (rows, skipped) = match fold::fold()? {
            Folded::Full(rows) => {
                self.report.folded = self.report.folded.saturating_add(rows);
                return Ok(());
            }
            Folded::Last(rows) => (rows, None),
            Folded::Busy => (0, Some(BUSY)),
            Folded::Isolation => (0, Some("the fold needs READ COMMITTED")),
        };
        self.report.folded = self.report.folded.saturating_add(rows);
        self.report.fold_skipped = skipped;
        self.go_on(Task::Keys);
        Ok(())
    }

    fn delete_keys(&mut self, caller: &Caller) -> Result<()> {
        let keys = db::usage_key::delete_expired(BATCH_KEYS)?;
        let holds = meter::writing(|| db::reservation::delete_closed(BATCH_KEYS))?;
        let before = caller.at - KEEP_JOBS;
        let jobs = db::outbox::delete_done(before, BATCH_KEYS)?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.report.keys = self.report.keys.saturating_add(number(keys));
        if number(keys.max(holds).max(jobs)) < BATCH_KEYS || !self.spend() {
            self.go_on(Task::Upkeep);
        }
        Ok(())
    }

    /// Drops bodies of old webhooks and old months of the record, and has the newest key seal what an
    /// older one sealed.
    fn keep_up(&mut self, caller: &Caller) -> Result<()> {
        let month = fold::drop_month(caller.at)?;
        let dropped = db::webhook::drop_bodies(caller.at, BATCH_BODIES)?;
        let sealed = key::reseal(caller.at)?;
        let is_last =
            dropped < u64::try_from(BATCH_BODIES).unwrap_or(u64::MAX) && sealed == 0 && !month;
        if is_last || !self.spend() {
            self.go_on(Task::Outlook);
        }
        Ok(())
    }
}
