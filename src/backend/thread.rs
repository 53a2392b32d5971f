//! Threads that never touch Postgres, and how they tell the process that they are done.
//!
//! Rules (protocol 33). A thread starts with every signal blocked, so that the process's handlers
//! run where they always did; it calls nothing of Postgres, not even to log. What it has to say it
//! puts into a channel and rings the bell, which the process's latch wait watches beside the latch.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

/// What a thread may use of memory for its calls.
const STACK_BYTES: usize = 2 << 20;

/// Starts a thread that gets no signals.
///
/// # Errors
/// When the system has no thread to give.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    // SAFETY: sets are plain data that the calls fill; the old mask is put back below, and a signal
    // that comes in between is delivered then.
    let old = unsafe {
        let mut every: libc::sigset_t = std::mem::zeroed();
        let mut old: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut every);
        if libc::pthread_sigmask(libc::SIG_SETMASK, &raw const every, &raw mut old) != 0 {
            return Err(Error::internal("signals could not be blocked"));
        }
        old
    };
    let spawned = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES)
        .spawn(body);
    // SAFETY: the mask of before.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const old, std::ptr::null_mut());
    }
    spawned.map_err(|error| Error::exhausted(format!("no thread could be started: {error}")))
}

/// The process's end of the bell.
pub struct Bell(UnixStream);

/// A thread's end of the bell.
pub struct Ringer(UnixStream);

/// A bell with one end for the process and one to be given to threads.
///
/// # Errors
/// When the process has no file to give.
pub fn bell() -> Result<(Bell, Ringer)> {
    let made = UnixStream::pair().and_then(|(bell, ringer)| {
        bell.set_nonblocking(true)?;
        // Full, it has rung already.
        ringer.set_nonblocking(true)?;
        Ok((Bell(bell), Ringer(ringer)))
    });
    made.map_err(|error| Error::exhausted(format!("no pipe could be opened: {error}")))
}

impl Bell {
    /// The file that becomes readable when it rings.
    pub fn file(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Makes it silent until it rings again.
    pub fn hush(&self) {
        let mut bytes = [0_u8; 256];
        loop {
            match (&self.0).read(&mut bytes) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

impl Ringer {
    /// Rings.
    pub fn ring(&self) {
        let _ = (&self.0).write(&[1]);
    }
}
