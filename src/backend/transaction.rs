//! What this backend remembers until its transaction ends.

use crate::error::Error;
use pgrx::{PgXactCallbackEvent, pg_sys, register_xact_callback};
use std::cell::Cell;

thread_local! {
    /// Whether this transaction wrote to our tables.
    static WROTE: Cell<bool> = const { Cell::new(false) };
    /// Idempotency keys locked so far.
    static KEYS: Cell<u32> = const { Cell::new(0) };
}

/// Counts one more idempotency key of this transaction and says how many there are.
pub fn count_key() -> u32 {
    let count = KEYS.get().saturating_add(1);
    if count == 1 {
        // The callbacks last for one transaction and touch memory only.
        register_xact_callback(PgXactCallbackEvent::Commit, || KEYS.set(0));
        register_xact_callback(PgXactCallbackEvent::Abort, || KEYS.set(0));
    }
    KEYS.set(count);
    count
}

/// Notes that this transaction may have written to our tables, so that it cannot be prepared (protocol 20): a
/// prepared transaction would keep its locks and open usage without a session to end them.
pub fn note_write() {
    if WROTE.replace(true) {
        return;
    }
    register_xact_callback(PgXactCallbackEvent::Commit, || WROTE.set(false));
    register_xact_callback(PgXactCallbackEvent::Abort, || WROTE.set(false));
    // Here an error is still an ordinary one: it aborts the transaction.
    register_xact_callback(PgXactCallbackEvent::PrePrepare, || {
        Error::unsupported("a transaction that wrote to owostack's tables cannot be prepared")
            .hint("End it with COMMIT.")
            .raise();
    });
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
