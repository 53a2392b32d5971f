//! What this backend remembers until its transaction ends.

use crate::error::Error;
use pgrx::{PgXactCallbackEvent, register_xact_callback};
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
