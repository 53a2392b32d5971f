//! Strong random bytes from the server, for time-ordered ids, keys and nonces.

use crate::error::{Error, Result};
use pgrx::pg_sys;

/// Ten bytes that no other backend will produce.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn ten_bytes() -> Result<[u8; 10]> {
    bytes()
}

/// Bytes that nobody can guess.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn bytes<const COUNT: usize>() -> Result<[u8; COUNT]> {
    let mut bytes = [0_u8; COUNT];
    // SAFETY: the pointer and length describe the local array.
    let filled = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    if filled {
        Ok(bytes)
    } else {
        Err(Error::internal("could not generate random bytes"))
    }
}
