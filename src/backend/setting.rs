//! Settings of the session that a call reads or overrules.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Makes the running transaction's commit wait for its flush (protocol 32): what somebody outside
/// has been told must not be lost. A session that waits for more keeps that.
pub fn commit_to_disk() {
    // SAFETY: reads a setting of this process.
    let waits = unsafe { pg_sys::synchronous_commit }
        > pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF as i32;
    if !waits {
        set_for_transaction(c"synchronous_commit", c"on");
    }
}

/// Sets a setting until the transaction ends, as SET LOCAL would.
fn set_for_transaction(name: &CStr, value: &CStr) {
    // SAFETY: both texts live through the call, which copies them.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// The value of a setting that anybody may make up, such as `request.headers`.
pub fn custom(name: &CStr) -> Option<String> {
    // SAFETY: the name is NUL-terminated; the text is copied at once.
    unsafe {
        let text = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}
