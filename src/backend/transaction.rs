//! What this backend remembers until its transaction ends.

use crate::backend::clock::Tick;
use crate::backend::local::Local;
use crate::error::Error;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::c_void;

thread_local! {
    /// Whether this transaction wrote to our tables.
    static WROTE: Cell<bool> = const { Cell::new(false) };
    /// Idempotency keys locked so far.
    static KEYS: Cell<u32> = const { Cell::new(0) };
    /// Whether this process has its callback.
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// Wall-clock time of the transaction's last writing call. Read by every check.
static WRITE_TIME: Local<Option<Tick>> = Local::new(None);

/// Counts one more idempotency key of this transaction and says how many there are.
pub fn count_key() -> u32 {
    register();
    let count = KEYS.get().saturating_add(1);
    KEYS.set(count);
    count
}

/// Notes that this transaction may have written to our tables, so that it cannot be prepared
/// (protocol 20): a prepared transaction would keep its locks and open usage without a session to
/// end them.
pub fn note_write() {
    register();
    WROTE.set(true);
}

/// Notes when a writing call read the clock.
pub fn note_write_time(at: Tick) {
    register();
    WRITE_TIME.write(|time| *time = Some(at));
}

/// When the transaction last wrote: its later reads must not answer for an earlier moment.
pub fn write_time() -> Option<Tick> {
    WRITE_TIME.read(|time| *time)
}

fn register() {
    if !REGISTERED.replace(true) {
        // SAFETY: the callback is a plain function that lives as long as the process.
        unsafe { pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut()) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PRE_PREPARE};
    match event {
        XACT_EVENT_COMMIT | XACT_EVENT_ABORT => {
            WROTE.set(false);
            KEYS.set(0);
            WRITE_TIME.write(|time| *time = None);
        }
        // Here an error is still an ordinary one: it aborts the transaction.
        XACT_EVENT_PRE_PREPARE if WROTE.get() => {
            Error::unsupported("a transaction that wrote to owostack's tables cannot be prepared")
                .hint("End it with COMMIT.")
                .raise();
        }
        _ => {}
    }
}

/// Has the running transaction's end flushed to disk, whatever `synchronous_commit` says, and with it
/// everything that it saw (protocol 32).
pub fn force_flush() {
    // SAFETY: sets a flag of the running transaction.
    unsafe { pg_sys::ForceSyncCommit() };
}

/// Whether this is a parallel worker, or its leader while a parallel plan runs.
pub fn is_parallel() -> bool {
    // SAFETY: reads backend-local state.
    unsafe { pg_sys::IsInParallelMode() }
}

/// The query that runs now, told apart from every other by what it sees and when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningQuery {
    began: pg_sys::TimestampTz,
    transaction: pg_sys::TransactionId,
    /// Bounds and size of the active snapshot: equal only while nobody's commit came between.
    seen: (pg_sys::TransactionId, pg_sys::TransactionId, u32),
    command: pg_sys::CommandId,
}

/// A point in a transaction; two are equal when this transaction wrote nothing between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub query: RunningQuery,
    subtransaction: pg_sys::SubTransactionId,
    command: pg_sys::CommandId,
}

impl RunningQuery {
    /// The query whose trigger is running; None outside of one.
    pub fn now() -> Option<Self> {
        // SAFETY: reads backend-local state; the snapshot is valid while it is active.
        unsafe {
            if !pg_sys::ActiveSnapshotSet() {
                return None;
            }
            let snapshot = pg_sys::GetActiveSnapshot().as_ref()?;
            Some(Self {
                began: pg_sys::GetCurrentStatementStartTimestamp(),
                transaction: pg_sys::GetTopTransactionIdIfAny(),
                seen: (snapshot.xmin, snapshot.xmax, snapshot.xcnt),
                command: snapshot.curcid,
            })
        }
    }
}

impl Moment {
    /// This moment; None outside of a query.
    pub fn now() -> Option<Self> {
        let query = RunningQuery::now()?;
        // SAFETY: reads backend-local state; does not mark the command as used.
        unsafe {
            Some(Self {
                query,
                subtransaction: pg_sys::GetCurrentSubTransactionId(),
                command: pg_sys::GetCurrentCommandId(false),
            })
        }
    }
}
