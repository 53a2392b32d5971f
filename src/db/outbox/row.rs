//! Single rows of `owo.outbox`: locked, changed in memory, written back whole.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use serde_json::Value;
use uuid::Uuid;

/// A job as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub account_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub job: Value,
    /// What is sent; None before it is planned.
    pub operation: Option<Value>,
    pub progress: Option<Value>,
    pub state: State,
    /// A request may be on its way.
    pub is_sending: bool,
    pub attempts: i32,
    pub next_at: DateTime<Utc>,
    pub lease_until: Option<DateTime<Utc>>,
    pub waits_for: Option<Uuid>,
    pub problem: Problem,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Queued,
    Waiting,
    Running,
    Failed,
    Done,
    Dead,
}

const STATES: [(State, &str); 6] = [
    (State::Queued, "queued"),
    (State::Waiting, "waiting"),
    (State::Running, "running"),
    (State::Failed, "failed"),
    (State::Done, "done"),
    (State::Dead, "dead"),
];

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// Whether nothing happens to it any more by itself.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dead)
    }
}

/// What went wrong last, or why there was nothing to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    pub text: Option<String>,
    pub code: Option<String>,
    pub status: Option<i32>,
    pub request_id: Option<String>,
}

macro_rules! columns {
    () => {
        "id, organization_id, account_id, customer_id, job, operation, progress, state, is_sending,
         attempts, next_at, lease_until, waits_for, error, error_code, error_status, request_id,
         created_at, updated_at"
    };
}

fn row(row: &spi::Row) -> Result<Row> {
    let state: String = row.get(7)?;
    let known = STATES.into_iter().find(|(_, word)| *word == state);
    Ok(Row {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        account_id: row.get(2)?,
        customer_id: row.get(3)?,
        job: row.get(4)?,
        operation: row.get(5)?,
        progress: row.get(6)?,
        state: known
            .map(|(state, _)| state)
            .ok_or_else(|| Error::internal("state of a job is not known"))?,
        is_sending: row.get(8)?,
        attempts: row.get(9)?,
        next_at: row.get(10)?,
        lease_until: row.get(11)?,
        waits_for: row.get(12)?,
        problem: Problem {
            text: row.get(13)?,
            code: row.get(14)?,
            status: row.get(15)?,
            request_id: row.get(16)?,
        },
        created_at: row.get(17)?,
        updated_at: row.get(18)?,
    })
}

/// Locks a job that is still due; None when somebody else has it.
///
/// # Errors
/// As `spi::write`.
pub fn take_up(id: Uuid, at: DateTime<Utc>) -> Result<Option<Row>> {
    static TAKE_UP: Statement = Statement::look_up(concat!(
        "SELECT ",
        columns!(),
        "  FROM owo.outbox
          WHERE id = $1
            AND ((state IN ('queued', 'failed') AND next_at <= $2)
                 OR (state = 'running' AND lease_until <= $2))
            FOR UPDATE SKIP LOCKED"
    ));
    Ok(spi::write(&TAKE_UP, arguments![id, at], row)?.pop())
}

/// Locks a job.
///
/// # Errors
/// As `spi::write`.
pub fn lock(id: Uuid) -> Result<Option<Row>> {
    static LOCK: Statement = Statement::look_up(concat!(
        "SELECT ",
        columns!(),
        " FROM owo.outbox WHERE id = $1 FOR UPDATE"
    ));
    Ok(spi::write(&LOCK, arguments![id], row)?.pop())
}

/// Writes what has become of a locked job.
///
/// # Errors
/// As `spi::run`.
pub fn store(row: &Row, at: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::look_up(
        "UPDATE owo.outbox
            SET operation = $2, progress = $3, state = $4, is_sending = $5, attempts = $6,
                next_at = $7, lease_until = $8, waits_for = $9, error = $10, error_code = $11,
                error_status = $12, request_id = $13, updated_at = $14,
                closed_at = CASE WHEN $4 IN ('done', 'dead') THEN $14 END
          WHERE id = $1",
    );
    let arguments = arguments![
        row.id,
        row.operation.as_ref(),
        row.progress.as_ref(),
        row.state.as_str(),
        row.is_sending,
        row.attempts,
        row.next_at,
        row.lease_until,
        row.waits_for,
        row.problem.text.as_ref(),
        row.problem.code.as_ref(),
        row.problem.status,
        row.problem.request_id.as_ref(),
        at,
    ];
    spi::run(&STORE, arguments).map(|_| ())
}

/// The job's row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn composite(id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::look_up("SELECT o FROM owo.outbox AS o WHERE id = $1");
    let snapshot = Snapshot::latest()?;
    Ok(spi::read(&snapshot, &ROW, arguments![id], |row| row.composite(0))?.pop())
}
