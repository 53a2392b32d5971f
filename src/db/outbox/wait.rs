//! Rows of `owo.outbox` that wait for another one.

use crate::arguments;
use crate::backend::spi::{self, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Lets the jobs that waited for one go on.
///
/// # Errors
/// As `spi::run`.
pub fn wake_waiting(id: Uuid, at: DateTime<Utc>) -> Result<u64> {
    static WAKE: Statement = Statement::look_up(
        "UPDATE owo.outbox
            SET state = 'queued', waits_for = NULL, next_at = $2, updated_at = $2
          WHERE waits_for = $1 AND state = 'waiting'",
    );
    spi::run(&WAKE, arguments![id, at])
}

/// Lets the jobs that waited for one find out that it is dead.
///
/// # Errors
/// As `spi::run`.
pub fn fail_waiting(id: Uuid, text: &str, code: &str, at: DateTime<Utc>) -> Result<u64> {
    static FAIL: Statement = Statement::look_up(
        "UPDATE owo.outbox
            SET state = 'queued', waits_for = NULL, next_at = $4, updated_at = $4, error = $2,
                error_code = $3
          WHERE waits_for = $1 AND state = 'waiting'",
    );
    spi::run(&FAIL, arguments![id, text, code, at])
}

/// Has every open job of an account that was written before another one wait for it; those that are
/// on their way are looked after first.
///
/// # Errors
/// As `spi::run`.
pub fn line_up_behind(account_id: Uuid, id: Uuid, at: DateTime<Utc>) -> Result<u64> {
    static LINE_UP: Statement = Statement::look_up(
        "UPDATE owo.outbox
            SET state = 'waiting', waits_for = $2, lease_until = NULL, updated_at = $3
          WHERE account_id = $1 AND id <> $2
            AND state IN ('queued', 'failed', 'running')",
    );
    spi::run(&LINE_UP, arguments![account_id, id, at])
}

/// Has the jobs that wait for one wait for another instead: the next page of the same look.
///
/// # Errors
/// As `spi::run`.
pub fn pass_on_waiting(from: Uuid, to: Uuid, at: DateTime<Utc>) -> Result<u64> {
    static PASS_ON: Statement = Statement::look_up(
        "UPDATE owo.outbox SET waits_for = $2, updated_at = $3
          WHERE waits_for = $1 AND state = 'waiting'",
    );
    spi::run(&PASS_ON, arguments![from, to, at])
}
