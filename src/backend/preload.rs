//! What only works under `shared_preload_libraries`: hooks that make shared memory.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::OnceLock;

/// Hooks that were there before ours; set once in the postmaster.
static PREVIOUS_REQUEST: OnceLock<pg_sys::shmem_request_hook_type> = OnceLock::new();
static PREVIOUS_STARTUP: OnceLock<pg_sys::shmem_startup_hook_type> = OnceLock::new();
/// Asks for memory, and makes it.
static OURS: OnceLock<(fn(), fn())> = OnceLock::new();

/// Whether the postmaster is loading its preload libraries.
pub fn is_in_progress() -> bool {
    // SAFETY: a flag of this process.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Has `request` and `startup` called when the postmaster sizes and makes shared memory.
pub fn hook(request: fn(), startup: fn()) {
    if OURS.set((request, startup)).is_err() {
        return;
    }
    // SAFETY: the postmaster alone runs here; the hooks live as long as the process.
    unsafe {
        let _ = PREVIOUS_REQUEST.set(pg_sys::shmem_request_hook);
        pg_sys::shmem_request_hook = Some(at_request);
        let _ = PREVIOUS_STARTUP.set(pg_sys::shmem_startup_hook);
        pg_sys::shmem_startup_hook = Some(at_startup);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_request() {
    if let Some(Some(previous)) = PREVIOUS_REQUEST.get() {
        // SAFETY: the hook of another library, called as Postgres would.
        unsafe { previous() };
    }
    if let Some((request, _)) = OURS.get() {
        request();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_startup() {
    if let Some(Some(previous)) = PREVIOUS_STARTUP.get() {
        // SAFETY: as above.
        unsafe { previous() };
    }
    if let Some((_, startup)) = OURS.get() {
        startup();
    }
}
