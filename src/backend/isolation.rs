//! The isolation level of the running transaction.

use pgrx::pg_sys;

/// Whether each statement of the transaction sees what was committed before it.
pub fn is_read_committed() -> bool {
    // SAFETY: reads a backend-local variable.
    let level = unsafe { pg_sys::XactIsoLevel };
    level < pg_sys::XACT_REPEATABLE_READ as i32
}
