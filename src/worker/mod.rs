//! Background work: one launcher per server, one worker in each database that needs one.
//!
//! Exists only when the library is preloaded; without it `owo_worker_tick()` does the same by hand.
//! Calls `flow::round` and nothing else of the extension: what is done lives there, here is only
//! when, in which process and what happens to errors. Deliberately absent: rules, SQL text, unsafe.
//!
//! Who does what: a committing backend posts notes on the board (`backend::wake`); the launcher
//! starts a worker where notes wait, a date has come or nobody has looked yet; the worker does
//! rounds, sleeps on its latch, and leaves when there has been nothing to do for a while, when a
//! command wants the database to itself, and when the extension is gone.

mod calls;
mod entry;
mod ground;
mod launcher;
mod line;
mod pool;
mod rounds;
mod transport;
mod visit;

use crate::backend::{board, process, utility};
use pgrx::pg_sys;
use pgrx::prelude::*;

const LAUNCHER: &str = "owostack_launcher_main";
const WORKER: &str = "owostack_worker_main";

/// Reserves shared memory and registers launcher and hook; called from `_PG_init`.
///
/// Only a server that preloads the library and is not being upgraded gets them.
pub fn init() {
    if process::is_preloading() {
        board::request();
        utility::install();
        process::register_launcher(LAUNCHER);
    }
}

/// Where the server starts the launcher.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn owostack_launcher_main(_argument: pg_sys::Datum) {
    launcher::run();
}

/// Where the server starts the worker of the database with the given oid.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn owostack_worker_main(argument: pg_sys::Datum) {
    if let Ok(oid) = u32::try_from(argument.value()) {
        visit::run(pg_sys::Oid::from(oid));
    }
}
