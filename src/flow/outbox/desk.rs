//! What is needed to work on one row: whose it is, at which provider, with which clock.
//!
//! Called by `claim` and `record`, which hold the row's lock. Absent: what is decided there.

use super::Work;
use super::enqueue::Whose;
use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::outbox::{Problem, Row};
use crate::db::provider::account::AccountRow;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::provider::account;
use crate::flow::{apply, outbox};
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_provider::operation::Operation;
use owostack_provider::outcome::Failure;
use serde_json::Value;

/// Error code of a row whose dependency is dead.
const NEEDS_DEAD: &str = "dependency_is_dead";

/// Error code of a row that a person gave up.
const DROPPED: &str = "dropped";

/// One row with its surroundings.
pub struct Desk {
    pub context: Context,
    pub account: AccountRow,
    pub work: Work,
    pub row: Row,
    /// Real time of the running transaction.
    pub at: DateTime<Utc>,
}

impl Desk {
    /// Lays out a locked row.
    ///
    /// # Errors
    /// When the row holds what no version of the extension wrote.
    pub fn new(caller: &Caller, row: Row) -> Result<Self> {
        let snapshot = Snapshot::latest()?;
        let found = db::provider::account::find(&snapshot, row.account_id)?;
        let account = found.ok_or_else(|| Error::internal("a job without an account"))?;
        let found = db::organization::find_by_id(&snapshot, row.organization_id)?;
        let organization = found.ok_or_else(|| Error::internal("a job without organization"))?;
        let work = Work {
            id: row.id,
            whose: Whose {
                organization_id: row.organization_id,
                account_id: row.account_id,
                customer_id: row.customer_id,
            },
            provider: account::provider(&account.provider)?,
            environment: account.environment,
            job: read(&row.job, "job")?,
            operation: match &row.operation {
                Some(json) => Some(read(json, "operation")?),
                None => None,
            },
        };
        Ok(Self {
            context: Context::new(*caller, organization),
            account,
            work,
            at: caller.at,
            row,
        })
    }

    /// Fixes what is sent.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn fix(&mut self, operation: Operation) -> Result<()> {
        self.row.operation = Some(write(&operation)?);
        self.work.operation = Some(operation);
        Ok(())
    }

    /// The job is done, or there was nothing to do; what waited for it goes on.
    ///
    /// # Errors
    /// As the statements.
    pub fn done(&mut self, problem: Problem) -> Result<()> {
        self.close(db::outbox::State::Done, problem)?;
        db::outbox::wake_waiting(self.row.id, self.at).map(|_| ())
    }

    /// The job is dead; `is_known` when it is certain that nothing was carried out, so that a retry
    /// may ask for something else.
    ///
    /// What waited for it is told, and dies in transactions of its own.
    ///
    /// # Errors
    /// As the statements and `flow::apply`.
    pub fn die(&mut self, failure: &Failure, is_known: bool) -> Result<()> {
        if let Some(customer_id) = self.row.customer_id {
            meter::lock_customer(customer_id);
        }
        apply::refused(&self.context, &self.work, failure, self.at)?;
        if is_known {
            self.row.operation = None;
        }
        self.close(db::outbox::State::Dead, problem_of(failure))?;
        let text = format!("what it needs failed: {failure}");
        db::outbox::fail_waiting(self.row.id, &text, NEEDS_DEAD, self.at).map(|_| ())
    }

    /// The job is given up by a person; what waited for it is told.
    ///
    /// # Errors
    /// As the statements and `flow::apply`.
    pub fn give_up(&mut self, reason: &str) -> Result<()> {
        let failure = Failure::new(0, Some(DROPPED), reason);
        if self.row.state != db::outbox::State::Dead {
            self.die(&failure, false)?;
        }
        self.close(db::outbox::State::Done, problem_of(&failure))
    }

    /// Whether what this job needs is dead, and how that reads.
    pub fn needs_dead(&self) -> Option<Failure> {
        let problem = &self.row.problem;
        let text = problem.text.as_deref().unwrap_or_default();
        (problem.code.as_deref() == Some(NEEDS_DEAD))
            .then(|| Failure::new(0, Some(NEEDS_DEAD), text))
    }

    fn close(&mut self, state: db::outbox::State, problem: Problem) -> Result<()> {
        self.row.state = state;
        self.row.is_sending = false;
        self.row.lease_until = None;
        self.row.waits_for = None;
        self.row.problem = problem;
        self.store()
    }

    /// Puts the job off; `problem` says why.
    ///
    /// # Errors
    /// As the statement.
    pub fn put_off(&mut self, until: DateTime<Utc>, problem: Problem) -> Result<()> {
        self.row.state = db::outbox::State::Failed;
        self.row.is_sending = false;
        self.row.lease_until = None;
        self.row.next_at = until;
        self.row.problem = problem;
        self.store()
    }

    /// Notes that a request is on its way, and has that flushed before it is.
    ///
    /// # Errors
    /// As the statement.
    pub fn send(&mut self) -> Result<DateTime<Utc>> {
        let lease_until = self.at + outbox::LEASE;
        self.row.state = db::outbox::State::Running;
        self.row.is_sending = true;
        self.row.lease_until = Some(lease_until);
        self.store()?;
        crate::backend::transaction::force_flush();
        Ok(lease_until)
    }

    /// Writes the row.
    ///
    /// # Errors
    /// As the statement.
    pub fn store(&self) -> Result<()> {
        db::outbox::store(&self.row, self.at)
    }
}

/// What a row keeps of a failure.
pub fn problem_of(failure: &Failure) -> Problem {
    Problem {
        text: Some(failure.message.clone()),
        code: failure.code.clone(),
        status: (failure.status != 0).then(|| i32::from(failure.status)),
        request_id: failure.request_id.clone(),
    }
}

/// Reads what a column holds.
///
/// # Errors
/// When it is something else.
pub fn read<T: serde::de::DeserializeOwned>(json: &Value, what: &str) -> Result<T> {
    serde_json::from_value(json.clone())
        .map_err(|error| Error::internal(format!("the {what} of an outbox row: {error}")))
}

/// Writes what a column holds.
///
/// # Errors
/// When it is no JSON.
pub fn write<T: serde::Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::internal(format!("an outbox row is no JSON: {error}")))
}
