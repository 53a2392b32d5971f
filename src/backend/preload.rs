//! What only works under `shared_preload_libraries`: hooks that make shared memory.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;
use std::sync::{Mutex, OnceLock};

/// Hooks that were there before ours; set once in the postmaster.
static PREVIOUS_REQUEST: OnceLock<pg_sys::shmem_request_hook_type> = OnceLock::new();
static PREVIOUS_STARTUP: OnceLock<pg_sys::shmem_startup_hook_type> = OnceLock::new();
/// Who asks for memory, and makes it.
static OURS: Mutex<Vec<Area>> = Mutex::new(Vec::new());

/// One area of shared memory.
#[derive(Clone, Copy)]
pub struct Area {
    /// Asks for the memory.
    pub request: fn(),
    /// Makes it, or attaches to it.
    pub startup: fn(),
}

/// Attaches to a named area of that many bytes, which begins as zeroes; called from the startup hook,
/// which runs alone. True when the area is new.
pub fn attach<T>(name: &'static CStr, size: usize) -> (*mut T, bool) {
    let mut found = false;
    // SAFETY: the name is NUL-terminated, and the area has the size that is cleared.
    let area = unsafe {
        let area = pg_sys::ShmemInitStruct(name.as_ptr(), size, &raw mut found);
        if !found {
            area.cast::<u8>().write_bytes(0, size);
        }
        area
    };
    (area.cast(), !found)
}

/// Whether the postmaster is loading its preload libraries.
pub fn is_in_progress() -> bool {
    // SAFETY: a flag of this process.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

fn areas() -> Vec<Area> {
    OURS.lock().map(|areas| areas.clone()).unwrap_or_default()
}

/// Has the area asked for and made when the postmaster sizes and makes shared memory.
pub fn hook(area: Area) {
    let Ok(mut areas) = OURS.lock() else { return };
    areas.push(area);
    if areas.len() > 1 {
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
    areas().iter().for_each(|area| (area.request)());
}

#[pg_guard]
unsafe extern "C-unwind" fn at_startup() {
    if let Some(Some(previous)) = PREVIOUS_STARTUP.get() {
        // SAFETY: as above.
        unsafe { previous() };
    }
    areas().iter().for_each(|area| (area.startup)());
}
