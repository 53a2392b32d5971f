//! `NOTIFY` without an SQL statement.

use pgrx::prelude::*;
use std::ffi::{CString, c_char};

#[pg_guard]
unsafe extern "C-unwind" {
    fn Async_Notify(channel: *const c_char, payload: *const c_char);
}

/// Queues a notification on channel `owostack`, sent when the transaction commits.
pub fn send(payload: &str) {
    let Ok(payload) = CString::new(payload) else { return };
    // SAFETY: both strings are NUL-terminated and live through the call, which copies them.
    unsafe { Async_Notify(c"owostack".as_ptr(), payload.as_ptr()) };
}
