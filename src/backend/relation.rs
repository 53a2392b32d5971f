//! News of changed relations: one callback for all here that keep something of a table.
//!
//! Postgres has room for ten such callbacks of a process, whoever's they are, and stops it when there
//! are more.

use crate::backend::{append, generation, shape};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Who forgets what it keeps of a relation, or of any when that is `InvalidOid`.
const LISTENERS: [fn(pg_sys::Oid); 3] = [append::forget, generation::forget, shape::forget];

static LISTENING: AtomicBool = AtomicBool::new(false);

/// From here on this process hears of changed relations. To be called before anything is kept.
pub fn listen() {
    if !LISTENING.swap(true, Ordering::Relaxed) {
        // SAFETY: the callback is a plain function that lives as long as the process.
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(changed), pg_sys::Datum::null()) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    LISTENERS.iter().for_each(|forget| forget(relation));
}
