//! Telling the worker at commit that there is something to do.
//!
//! A transaction that leaves usage or dates notes it; the commit callback, which runs after its rows
//! are visible, puts the note on the board and sets a latch where needed. A transaction that fails
//! leaves nothing. A note survives ROLLBACK TO: a needless look is free. Callbacks touch memory and latches
//! only (protocol 8, 33).

use crate::backend::{board, database};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::c_void;

thread_local! {
    /// Whether the running transaction leaves something to do.
    static NOTED: Cell<bool> = const { Cell::new(false) };
    /// Whether the running transaction leaves something to send to a provider.
    static CALLED: Cell<bool> = const { Cell::new(false) };
    /// Whether the running transaction holds a database for itself.
    static HOLDING: Cell<bool> = const { Cell::new(false) };
    /// Whether this process has its callback.
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that there is something for the worker of this database when the transaction commits.
pub fn note() {
    if board::board().is_some() {
        register();
        NOTED.set(true);
    }
}

/// Notes that there is something to send to a provider when the transaction commits: unlike what
/// recorded usage leaves, it waits for no naptime.
pub fn note_call() {
    note();
    CALLED.set(board::board().is_some());
}

/// Keeps workers out of a database until the running transaction ends.
pub fn hold(database: pg_sys::Oid) {
    if let Some(board) = board::board() {
        register();
        HOLDING.set(true);
        board.hold(database);
    }
}

fn register() {
    if !REGISTERED.replace(true) {
        // SAFETY: the callback is a plain function that lives as long as the process.
        unsafe { pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut()) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if !matches!(
        event,
        XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE
    ) {
        return;
    }
    let noted = NOTED.replace(false);
    let called = CALLED.replace(false);
    let holding = HOLDING.replace(false);
    if !noted && !holding {
        return;
    }
    if let Some(board) = board::board() {
        if noted && event == XACT_EVENT_COMMIT {
            board.post(database::own(), called);
        }
        if holding {
            board.release();
        }
    }
}
