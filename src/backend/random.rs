//! Strong random bytes from the server, for time-ordered ids, keys and nonces.

use crate::backend::local::Local;
use crate::error::{Error, Result};
use pgrx::pg_sys;

/// Bytes asked for at a time: asking is a system call.
const POOL: usize = 640;

/// Bytes that were asked for and not used, and the process that asked.
struct Pool {
    bytes: [u8; POOL],
    used: usize,
    process: i32,
}

static RANDOM: Local<Pool> = Local::new(Pool {
    bytes: [0; POOL],
    used: POOL,
    process: 0,
});

/// Ten bytes that no other backend will produce.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn ten_bytes() -> Result<[u8; 10]> {
    RANDOM.write(|pool| {
        if let Some(bytes) = pool.take() {
            return Ok(bytes);
        }
        pool.refill()?;
        pool.take()
            .ok_or_else(|| Error::internal("no random bytes"))
    })
}

/// Bytes that nobody can guess, asked for on their own: keys are never part of a pool.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn bytes<const COUNT: usize>() -> Result<[u8; COUNT]> {
    let mut bytes = [0_u8; COUNT];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    // SAFETY: the pointer and length describe the slice.
    let filled = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    if filled {
        Ok(())
    } else {
        Err(Error::internal("could not generate random bytes"))
    }
}

impl Pool {
    /// Bytes that were never given out; none that a process inherited from the one it was forked from.
    fn take(&mut self) -> Option<[u8; 10]> {
        if self.process != own_process() {
            return None;
        }
        let (taken, _) = self.bytes.get(self.used..)?.split_first_chunk()?;
        self.used += taken.len();
        Some(*taken)
    }

    fn refill(&mut self) -> Result<()> {
        fill(&mut self.bytes)?;
        self.used = 0;
        self.process = own_process();
        Ok(())
    }
}

fn own_process() -> i32 {
    // SAFETY: set once at process start.
    unsafe { pg_sys::MyProcPid }
}
