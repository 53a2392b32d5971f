//! `NOTIFY` without an SQL statement.

use pgrx::pg_sys;
use std::ffi::{CString, c_char};

unsafe extern "C-unwind" {
    fn Async_Notify(channel: *const c_char, payload: *const c_char);
}

/// Queues a notification on channel `owostack`, sent when the transaction commits.
pub fn send(payload: &str) {
    let Ok(payload) = CString::new(payload) else {
        return;
    };
    // SAFETY: both strings are NUL-terminated and live through the call, which copies them; the
    // boundary turns an error of Postgres into an unwinding one.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            Async_Notify(c"owostack".as_ptr(), payload.as_ptr());
        });
    }
}
