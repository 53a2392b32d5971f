//! The running call: which function, whose rights, whether it may write.

use crate::backend::clock::{self, Tick};
use crate::backend::{direct, owner, transaction};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use std::ffi::CStr;

/// Whether a call may change rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Statement time, no rows written, no transaction id taken.
    Read,
    /// Wall-clock time; refused in read-only transactions, parallel workers and recovery.
    Write,
}

impl Access {
    /// The real time of a call (`api.md` 1). What the transaction itself wrote earlier in the same
    /// statement has happened for its reads too.
    pub fn tick(self) -> Tick {
        match self {
            Self::Read => {
                let statement = direct::statement_start();
                transaction::write_time().map_or(statement, |written| written.max(statement))
            }
            Self::Write => {
                let at = direct::wall_clock();
                transaction::note_write_time(at);
                at
            }
        }
    }

    /// [`Access::tick`] as the domain counts time.
    pub fn time(self) -> DateTime<Utc> {
        clock::from_postgres(self.tick()).unwrap_or_default()
    }
}

/// Facts about the running call that only the backend knows.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// `current_user` at the call.
    pub role: pg_sys::Oid,
    /// Owner of the extension.
    pub owner: pg_sys::Oid,
    pub access: Access,
    /// Real time of the call; a sandbox organization replaces it by its own clock.
    pub at: DateTime<Utc>,
}

impl Caller {
    /// Reads the caller from the call and refuses writes where nothing can be written.
    ///
    /// # Errors
    /// When the function vanished from the catalog; `25006` is raised by Postgres itself.
    pub fn of(fcinfo: pg_sys::FunctionCallInfo, access: Access) -> Result<Self> {
        let function =
            function_oid(fcinfo).ok_or_else(|| Error::internal("no call information"))?;
        if access == Access::Write {
            begin_write();
        }
        let at = access.time();
        Ok(Self {
            role: owner::current_user(),
            owner: owner::of_function(function)?,
            access,
            at,
        })
    }

    /// The worker, which acts for the owner at wall-clock time.
    pub fn worker(owner: pg_sys::Oid) -> Self {
        Self {
            role: owner,
            owner,
            access: Access::Write,
            at: clock::wall_time(),
        }
    }

    /// Refuses who is not the owner: what only trigger functions with the owner's rights call.
    ///
    /// # Errors
    /// `42501`.
    pub fn require_master(&self) -> Result<()> {
        if self.is_master() {
            return Ok(());
        }
        Err(Error::denied(
            "permission denied: for the owner of owostack",
        ))
    }

    /// Superusers and members of the owner hold every level everywhere.
    pub fn is_master(&self) -> bool {
        // SAFETY: a catalog look-up; superusers pass it by definition.
        unsafe { pg_sys::has_privs_of_role(self.role, self.owner) }
    }
}

fn function_oid(fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Oid> {
    // SAFETY: Postgres passes valid call information with the function's look-up record.
    unsafe {
        fcinfo
            .as_ref()
            .and_then(|info| info.flinfo.as_ref())
            .map(|flinfo| flinfo.fn_oid)
    }
}

const COMMAND: &CStr = c"owostack";

/// Begins a call that writes: raises `25006` in read-only transactions and recovery, `25000` in
/// parallel workers, and notes that this transaction cannot be prepared.
pub fn begin_write() {
    // SAFETY: the name is NUL-terminated; each call raises or does nothing.
    unsafe {
        pg_sys::PreventCommandIfReadOnly(COMMAND.as_ptr());
        pg_sys::PreventCommandIfParallelMode(COMMAND.as_ptr());
        pg_sys::PreventCommandDuringRecovery(COMMAND.as_ptr());
    }
    transaction::note_write();
}

/// [`begin_write`] where it raises nothing; false, and nothing done, where it would.
pub fn try_begin_write() -> bool {
    // SAFETY: a variable of this backend.
    let read_only = unsafe { pg_sys::XactReadOnly };
    if read_only || direct::is_in_parallel_mode() || direct::is_in_recovery() {
        return false;
    }
    transaction::note_write();
    true
}
