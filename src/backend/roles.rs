//! Noticing that roles, their memberships, their rights on a schema or owners of functions changed.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static REGISTERED: Once = Once::new();

/// Grows whenever a role, a membership, a right on a schema or a function that this backend could know of changed.
pub fn generation() -> u64 {
    REGISTERED.call_once(|| {
        for cache in [
            pg_sys::SysCacheIdentifier::AUTHMEMROLEMEM,
            pg_sys::SysCacheIdentifier::AUTHMEMMEMROLE,
            pg_sys::SysCacheIdentifier::AUTHOID,
            pg_sys::SysCacheIdentifier::NAMESPACEOID,
            pg_sys::SysCacheIdentifier::PROCOID,
        ] {
            // SAFETY: the callback is a plain function that lives as long as the process.
            unsafe {
                pg_sys::CacheRegisterSyscacheCallback(
                    cache as i32,
                    Some(changed),
                    pg_sys::Datum::null(),
                );
            }
        }
    });
    // Invalidations are taken in where locks are taken; a role change is noticed at the latest by
    // the next statement.
    GENERATION.load(Ordering::Relaxed)
}

#[pg_guard]
unsafe extern "C-unwind" fn changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
