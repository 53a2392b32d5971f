//! What this backend remembers until its transaction ends.

use pgrx::{PgXactCallbackEvent, register_xact_callback};
use std::cell::Cell;

thread_local! {
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
