//! `owo.outbox`: jobs for providers.
//!
//! Written by `flow/outbox`, which decides; here is only how: jobs that come and go here, single
//! rows in `row`, those whose time has come in `due`, those that wait for each other in `wait`.

mod due;
mod row;
mod wait;

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

pub use due::{Due, due, next_after};
pub use row::{Problem, Row, State, composite, lock, store, take_up};
pub use wait::{fail_waiting, line_up_behind, pass_on_waiting, wake_waiting};

/// A job as it is first written.
#[derive(Debug, Clone)]
pub struct New {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub account_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub kind: String,
    pub subject_id: Uuid,
    pub lane: Uuid,
    pub job: Value,
    pub not_before: DateTime<Utc>,
}

/// Writes a job; false when there is one with that id.
///
/// # Errors
/// As `spi::run`.
pub fn insert(row: &New, at: DateTime<Utc>) -> Result<bool> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.outbox
             (id, account_id, organization_id, customer_id, kind, subject_id, lane, job, next_at,
              created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT (id) DO NOTHING",
    );
    let arguments = arguments![
        row.id,
        row.account_id,
        row.organization_id,
        row.customer_id,
        &row.kind,
        row.subject_id,
        row.lane,
        &row.job,
        row.not_before,
        at,
    ];
    Ok(spi::run(&INSERT, arguments)? > 0)
}

/// Lets a job that has ended begin anew; one that was done only after a minute, so that two that
/// disagree do not chase each other.
///
/// # Errors
/// As `spi::run`.
pub fn revive(id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static REVIVE: Statement = Statement::look_up(
        "UPDATE owo.outbox
            SET state = 'queued', operation = NULL, attempts = 0, closed_at = NULL, updated_at = $2,
                next_at = CASE state WHEN 'done' THEN $2 + interval '1 minute' ELSE $2 END
          WHERE id = $1 AND state IN ('done', 'dead')",
    );
    spi::run(&REVIVE, arguments![id, at]).map(|_| ())
}

/// Jobs about a row that are not over, oldest first.
///
/// # Errors
/// As `spi::read`.
pub fn unfinished(snapshot: &Snapshot, subject_id: Uuid) -> Result<Vec<Uuid>> {
    static UNFINISHED: Statement = Statement::look_up(
        "SELECT id FROM owo.outbox
          WHERE subject_id = $1 AND state NOT IN ('done', 'dead') ORDER BY id",
    );
    spi::read(snapshot, &UNFINISHED, arguments![subject_id], |row| {
        row.get(0)
    })
}

/// Deletes jobs that were done before a date, at most so many.
///
/// # Errors
/// As `spi::run`.
pub fn delete_done(before: DateTime<Utc>, limit: i64) -> Result<u64> {
    static DELETE: Statement = Statement::look_up(
        "DELETE FROM owo.outbox
          WHERE ctid = ANY (ARRAY(
                SELECT j.ctid
                  FROM owo.outbox AS j
                 WHERE j.closed_at < $1 AND j.state = 'done'
                 ORDER BY j.closed_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    );
    spi::run(&DELETE, arguments![before, limit])
}

/// Whether a job of that kind about a row is not over.
///
/// # Errors
/// As `spi::read`.
pub fn is_wanted(snapshot: &Snapshot, subject_id: Uuid, kind: &str) -> Result<bool> {
    static WANTED: Statement = Statement::look_up(
        "SELECT EXISTS (SELECT FROM owo.outbox
                         WHERE subject_id = $1 AND kind = $2 AND state NOT IN ('done', 'dead'))",
    );
    let rows = spi::read(snapshot, &WANTED, arguments![subject_id, kind], |row| {
        row.get::<bool>(0)
    })?;
    Ok(rows.into_iter().any(|wanted| wanted))
}

/// Makes waiting jobs about a row due now; whether there were any.
///
/// # Errors
/// As `spi::run`.
pub fn hasten(subject_id: Uuid, at: DateTime<Utc>) -> Result<bool> {
    static HASTEN: Statement = Statement::look_up(
        "UPDATE owo.outbox SET next_at = $2, updated_at = $2
          WHERE subject_id = $1 AND state = 'queued' AND next_at > $2",
    );
    Ok(spi::run(&HASTEN, arguments![subject_id, at])? > 0)
}
