//! Strong random bytes from the server, for time-ordered ids.

use crate::error::{Error, Result};
use pgrx::pg_sys;

/// Ten bytes that no other backend will produce.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn ten_bytes() -> Result<[u8; 10]> {
    let mut bytes = [0_u8; 10];
    // SAFETY: the pointer and length describe the local array.
    let filled = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    if filled {
        Ok(bytes)
    } else {
        Err(Error::internal("could not generate random bytes"))
    }
}
