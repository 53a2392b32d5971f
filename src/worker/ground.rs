//! A transaction of the worker: on firm ground, or not at all.
//!
//! Used by rounds and calls alike. Invariants: each finds the extension anew and keeps it from being
//! dropped under it; it runs as the extension's owner, READ COMMITTED, read-write.

use crate::backend::call::Caller;
use crate::backend::extension::{self, Presence};
use crate::backend::owner::AsOwner;
use crate::backend::spi::Snapshot;
use crate::backend::{database, process};
use crate::db;
use crate::error::Result;
use pgrx::pg_sys;

/// What a transaction found.
pub enum Ground<T> {
    /// The database has nothing for a worker: no extension, not bound, became a template.
    Gone,
    /// Somebody is dropping the extension.
    Leaving,
    Firm(T),
}

/// Runs `body` in a transaction of its own; `name` learns the database's.
///
/// # Errors
/// What `body` returns or Postgres raises.
pub fn on_ground<T>(
    database: pg_sys::Oid,
    name: &mut String,
    activity: &str,
    body: impl FnOnce(&Caller) -> Result<T>,
) -> Result<Ground<T>> {
    process::transaction(activity, || {
        match database::find(database) {
            Some(found) if found.takes_worker => *name = found.name,
            _ => return Ok(Ground::Gone),
        }
        match extension::keep() {
            Presence::Absent => return Ok(Ground::Gone),
            Presence::Leaving => return Ok(Ground::Leaving),
            Presence::Here => {}
        }
        let snapshot = Snapshot::latest()?;
        let Some(extension) = db::installation::extension(&snapshot)? else {
            return Ok(Ground::Gone);
        };
        extension.require_library()?;
        let _owner = AsOwner::enter(extension.owner);
        if !db::installation::is_active(&snapshot)? {
            return Ok(Ground::Gone);
        }
        drop(snapshot);
        body(&Caller::worker(extension.owner)).map(Ground::Firm)
    })
}
