//! A background process: registration, signals, sleep, transactions whose errors it survives.
//!
//! Used by `worker/` only. Signals: SIGTERM interrupts what runs as it does in any backend, so that
//! a long statement never delays a shutdown; a process that only sleeps is told by
//! [`is_asked_to_leave`] and ends by itself. SIGHUP rereads the settings at the next sleep.

use crate::backend::seat::Seat;
use crate::error::{Error, Result};
use pgrx::bgworkers::{BackgroundWorkerBuilder, DynamicBackgroundWorker};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

const LIBRARY: &str = "owostack";
/// How long the server waits before it replaces a launcher that ended.
const RESTART: Duration = Duration::from_secs(5);

/// Settings that a worker's database or role must not change for it (protocol 33).
const PINNED: &[(&CStr, &CStr)] = &[
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_deferrable", c"off"),
    (c"session_replication_role", c"origin"),
    (c"statement_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"row_security", c"on"),
    (c"client_min_messages", c"error"),
    // Somebody's open transaction may keep one customer waiting, never the whole database.
    (c"lock_timeout", c"1s"),
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    (c"transaction_timeout", c"0"),
];

unsafe extern "C-unwind" {
    fn die(signal: i32);
    fn SignalHandlerForConfigReload(signal: i32);
}

/// Whether the server is starting and loads the library for all its processes to come.
///
/// Not while pg_upgrade runs it: nothing of ours may work there (protocol 33).
pub fn is_preloading() -> bool {
    // SAFETY: flags that the server sets before it loads libraries.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade }
}

/// Has the server start the launcher once recovery has ended; while it preloads the library.
pub fn register_launcher(function: &str) {
    BackgroundWorkerBuilder::new("owostack launcher")
        .set_type("owostack launcher")
        .set_library(LIBRARY)
        .set_function(function)
        .enable_spi_access()
        .set_restart_time(Some(RESTART))
        .load();
}

/// Asks for a process that runs `function` for one database; None when the server has none free.
pub fn start(function: &str, database: pg_sys::Oid, name: &str) -> Option<DynamicBackgroundWorker> {
    BackgroundWorkerBuilder::new(&format!("owostack worker {name}"))
        .set_type("owostack worker")
        .set_library(LIBRARY)
        .set_function(function)
        .set_argument(Some(pg_sys::Datum::from(database)))
        .enable_spi_access()
        .set_notify_pid(crate::backend::seat::own_pid())
        .load_dynamic()
        .ok()
}

/// Installs the signal handlers; the first thing a process does.
pub fn begin() {
    // SAFETY: both handlers only set flags and the latch. A signal is delivered to plain C code.
    unsafe {
        handle(pg_sys::SIGTERM, die);
        handle(pg_sys::SIGHUP, SignalHandlerForConfigReload);
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// # Safety
/// As a signal handler.
unsafe fn handle(signal: u32, handler: unsafe extern "C-unwind" fn(i32)) {
    let Ok(signal) = i32::try_from(signal) else {
        return;
    };
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(signal, Some(handler));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(signal, Some(handler));
    }
}

/// Connects to a database, or to the shared catalogs only, as the bootstrap superuser.
pub fn connect(database: Option<pg_sys::Oid>) {
    // SAFETY: once per process, after the signal handlers.
    unsafe {
        match database {
            Some(oid) => {
                pg_sys::BackgroundWorkerInitializeConnectionByOid(oid, pg_sys::InvalidOid, 0)
            }
            None => {
                pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0)
            }
        }
    }
}

/// Fixes the settings that nobody may change for a worker.
pub fn pin_settings() {
    for (name, value) in PINNED {
        // SAFETY: both are NUL-terminated; this source overrides database, role and file.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
}

/// Stands up from `seat` when the process ends, however it ends, and wakes the launcher.
pub fn leave_at_exit(seat: &'static Seat) {
    // SAFETY: the seat is in shared memory and outlives the process.
    unsafe {
        pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::from(std::ptr::from_ref(seat)));
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, seat: pg_sys::Datum) {
    // SAFETY: as registered.
    if let Some(seat) = unsafe { seat.cast_mut_ptr::<Seat>().as_ref() } {
        seat.leave();
    }
    if let Some(board) = crate::backend::board::board() {
        board.launcher.wake();
    }
}

/// Whether this process should end.
pub fn is_asked_to_leave() -> bool {
    // SAFETY: a flag that the signal handler sets.
    unsafe { (&raw const pg_sys::ProcDiePending).read_volatile() != 0 }
}

/// Ends the process in a way that has the server replace it.
pub fn end_and_be_replaced() {
    // SAFETY: runs the exit callbacks; nothing of ours is open.
    unsafe { pg_sys::proc_exit(1) }
}

/// Sleeps until the latch is set or the time is over, then serves interrupts and rereads settings.
pub fn sleep(time: Duration) {
    sleep_watching(time, None);
}

/// The same, and until there is something to read in a file of this process.
pub fn sleep_watching(time: Duration, file: Option<i32>) {
    let mut events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    if file.is_some() {
        events |= pg_sys::WL_SOCKET_READABLE;
    }
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    // SAFETY: the own latch, and an open file; ends the process when the server is gone.
    unsafe {
        pg_sys::WaitLatchOrSocket(
            pg_sys::MyLatch,
            events as i32,
            file.unwrap_or(-1),
            millis.min(3_600_000),
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
        if is_asked_to_leave() {
            return;
        }
        pg_sys::check_for_interrupts!();
        if (&raw const pg_sys::ConfigReloadPending).read_volatile() != 0 {
            (&raw mut pg_sys::ConfigReloadPending).write_volatile(0);
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Runs `body` in a transaction of its own; an error rolls it back and is returned, never raised.
///
/// # Errors
/// What `body` returns or Postgres raises.
pub fn transaction<T>(activity: &str, body: impl FnOnce() -> Result<T>) -> Result<T> {
    report_activity(Some(activity));
    // SAFETY: no transaction is open.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
    }
    let run = AssertUnwindSafe(|| {
        // SAFETY: in the transaction begun above. Commands such as CREATE TABLE want a snapshot
        // around them; our own statements bring later ones.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
        let value = body()?;
        // SAFETY: the one pushed above; deferred triggers may raise at commit.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
        }
        Ok(value)
    });
    let outcome = PgTryBuilder::new(run)
        .catch_others(|caught| Err(error_of(caught)))
        .execute();
    if outcome.is_err() {
        // SAFETY: brings a failed or unfinished transaction to its end.
        unsafe { pg_sys::AbortCurrentTransaction() };
    }
    report_activity(None);
    outcome
}

fn error_of(caught: CaughtError) -> Error {
    match caught {
        CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic {
            ereport: report, ..
        } => Error::caught(&report),
    }
}

fn report_activity(activity: Option<&str>) {
    let text = activity.and_then(|text| CString::new(text).ok());
    let state = if text.is_some() {
        pg_sys::BackendState::STATE_RUNNING
    } else {
        pg_sys::BackendState::STATE_IDLE
    };
    // SAFETY: the text is copied.
    unsafe {
        pg_sys::pgstat_report_activity(
            state,
            text.as_ref().map_or(std::ptr::null(), |t| t.as_ptr()),
        );
    }
}

/// Hands the row counts of what was done to the statistics, which autovacuum goes by.
pub fn report_statistics() {
    // SAFETY: outside a transaction.
    unsafe { pg_sys::pgstat_report_stat(true) };
}
