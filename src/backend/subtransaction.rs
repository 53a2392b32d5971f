//! A step whose failure undoes that step alone.
//!
//! For batches in one transaction: what Postgres or Rust raises in the step is returned as an error,
//! after everything that the step wrote, and each lock that it took, is gone. Invariant: memory
//! context and resource owner are those of before, whatever happened.

use crate::error::{Error, Result};
use pgrx::PgTryBuilder;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use std::panic::AssertUnwindSafe;

/// Runs `body` in a subtransaction; an error rolls it back and is returned, never raised.
///
/// # Errors
/// What `body` returns or Postgres raises.
pub fn run<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: inside a transaction, as every caller is; the pointers are put back below.
    let (context, owner) = unsafe {
        let kept = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(kept.0);
        kept
    };
    let outcome = PgTryBuilder::new(AssertUnwindSafe(body))
        .catch_others(|caught| Err(error_of(caught)))
        .execute();
    // SAFETY: ends the subtransaction begun above, in the state in which the step left it.
    unsafe {
        pg_sys::MemoryContextSwitchTo(context);
        if outcome.is_ok() {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome
}

fn error_of(caught: CaughtError) -> Error {
    match caught {
        CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic {
            ereport: report, ..
        } => Error::caught(&report),
    }
}
