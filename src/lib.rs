//! Module list and `_PG_init`; no logic lives here.
//!
//! Arrows point down only: `api` and `worker` call `flow`, `flow` calls `meter`, `db` and the pure
//! crate `domain`; `backend` and `error` lie at the bottom.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks
)]
#![deny(unsafe_op_in_unsafe_fn)]

use pgrx::prelude::*;

mod api;
mod backend;
mod db;
mod error;
mod flow;
mod guc;
mod meter;
mod schema;
mod worker;

::pgrx::pg_module_magic!(name, version);

/// Runs once per backend, when Postgres loads the library.
#[allow(non_snake_case)]
#[pg_guard]
extern "C-unwind" fn _PG_init() {
    error::init();
    guc::init();
    worker::init();
    if backend::preload::is_in_progress() {
        guc::init_preloaded();
        // Its callbacks come last at a transaction's end, because they are registered first.
        backend::share::preload();
        backend::generation::preload();
        backend::store::preload();
        meter::preload();
    }
}
