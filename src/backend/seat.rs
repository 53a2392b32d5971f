//! A place in shared memory where one process sits and can be woken by any other.
//!
//! Fields are atomics and need no lock. No wake-up is lost: who leaves work writes it first and
//! reads the seat second; who stands up empties the seat first and looks for work second.

use pgrx::pg_sys;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

/// Who sits here, if anybody.
#[repr(C)]
pub struct Seat {
    /// Its process id; 0 while the seat is empty.
    pid: AtomicI32,
    /// Its place in the server's process array.
    process: AtomicU32,
}

impl Seat {
    /// A seat nobody sits on.
    pub const fn empty() -> Self {
        Self {
            pid: AtomicI32::new(0),
            process: AtomicU32::new(0),
        }
    }

    /// Process id of whoever sits here.
    pub fn pid(&self) -> Option<i32> {
        match self.pid.load(SeqCst) {
            0 => None,
            pid => Some(pid),
        }
    }

    /// Sits down; false when another process sits here already.
    ///
    /// The caller holds the lock under which seats are taken. Processes stand up whenever they end;
    /// where one cannot, the server starts over with an empty board.
    pub fn take(&self) -> bool {
        if self.pid().is_some() {
            return false;
        }
        // SAFETY: set at process start; both point into the server's process array.
        let place = unsafe { pg_sys::MyProc.offset_from((*pg_sys::ProcGlobal).allProcs) };
        self.process
            .store(u32::try_from(place).unwrap_or(u32::MAX), SeqCst);
        self.pid.store(own_pid(), SeqCst);
        true
    }

    /// Stands up, if it is this process that sits here.
    pub fn leave(&self) {
        let _ = self.pid.compare_exchange(own_pid(), 0, SeqCst, SeqCst);
    }

    /// Wakes whoever sits here; false when nobody does.
    pub fn wake(&self) -> bool {
        if self.pid().is_none() {
            return false;
        }
        let place = self.process.load(SeqCst);
        // SAFETY: latches of the process array live as long as the server and may be set by anybody
        // at any time; at worst a process that came after wakes in vain.
        unsafe {
            let header = pg_sys::ProcGlobal;
            if place < (*header).allProcCount {
                let process = (*header).allProcs.add(place as usize);
                pg_sys::SetLatch(&raw mut (*process).procLatch);
            }
        }
        true
    }
}

/// The id of this process.
pub fn own_pid() -> i32 {
    // SAFETY: set at process start.
    unsafe { pg_sys::MyProcPid }
}

/// Whether a server process with that id exists.
pub fn is_alive(pid: i32) -> bool {
    // SAFETY: looks through the process array under its own lock.
    !unsafe { pg_sys::BackendPidGetProc(pid) }.is_null()
}
