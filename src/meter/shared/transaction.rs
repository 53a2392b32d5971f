//! Ends of transactions and subtransactions: what was open becomes usage, or nothing.
//!
//! Commit callbacks run after the transaction is visible to others (protocol 10); they only touch
//! shared memory.

use super::local;
use super::memory;
use super::partition::Partition;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::c_void;

/// Registers the callbacks; called once, before backends are forked.
pub fn register() {
    // SAFETY: both functions have the signatures that Postgres calls them by.
    unsafe {
        pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(at_subtransaction_end), std::ptr::null_mut());
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    if !memory::is_ready() || local::is_empty() {
        return;
    }
    match event {
        pg_sys::XactEvent::XACT_EVENT_COMMIT | pg_sys::XactEvent::XACT_EVENT_PARALLEL_COMMIT => {
            // SAFETY: reads the state of the ending transaction.
            let has_id =
                unsafe { pg_sys::GetTopTransactionIdIfAny() } != pg_sys::InvalidTransactionId;
            // Without an id no row was written: a foreign trigger swallowed it (protocol 8).
            end(0, has_id);
            local::clear();
        }
        pg_sys::XactEvent::XACT_EVENT_ABORT | pg_sys::XactEvent::XACT_EVENT_PARALLEL_ABORT => {
            end(0, false);
            local::clear();
        }
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_subtransaction_end(
    event: pg_sys::SubXactEvent::Type,
    subtransaction: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB && memory::is_ready() {
        // Ids grow and are never reused within a transaction: everything not older goes.
        end(subtransaction, false);
    }
}

fn end(least: u32, committed: bool) {
    // Nothing is undone at a commit. Other sessions look in between: in this order they see what the
    // transaction had at some moment, in the other a return without the take that it gave back.
    if committed {
        local::oldest_first();
    }
    while let Some(item) = local::pop(least) {
        let mut partition = Partition::lock(item.held.partition as usize);
        partition.end(item.held.slot, item.amount, committed);
    }
}
