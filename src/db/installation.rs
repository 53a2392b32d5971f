//! `owo.installation`: whether this database has been bound by a first call (protocol 31).

use crate::arguments;
use crate::backend::database;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::backend::wake;
use crate::error::{Error, Result};
use pgrx::pg_sys;

/// The extension as this database has it.
#[derive(Debug, Clone)]
pub struct Extension {
    pub owner: pg_sys::Oid,
    /// Version of its SQL objects.
    pub version: String,
}

/// Whether the row names this database.
///
/// # Errors
/// As `spi::read`.
pub fn is_active(snapshot: &Snapshot) -> Result<bool> {
    static ACTIVE: Statement =
        Statement::new("SELECT EXISTS (SELECT FROM owo.installation WHERE database_oid = $1)");
    Ok(
        spi::read(snapshot, &ACTIVE, arguments![database::own()], |row| {
            row.get::<bool>(0)
        })?
        .into_iter()
        .any(|active| active),
    )
}

/// Binds this database; rows of another one (a copied cluster file) are replaced.
///
/// # Errors
/// As `spi::run`.
pub fn activate() -> Result<()> {
    static FORGET: Statement =
        Statement::new("DELETE FROM owo.installation WHERE database_oid <> $1");
    static BIND: Statement =
        Statement::new("INSERT INTO owo.installation (database_oid) VALUES ($1)");
    spi::run(&FORGET, arguments![database::own()])?;
    spi::run(&BIND, arguments![database::own()])?;
    wake::note();
    Ok(())
}

/// The row of `pg_extension`; None once it is dropped.
///
/// Needs no owner's rights, and no search path can mislead it: the worker asks it first of all.
///
/// # Errors
/// As `spi::read`.
pub fn extension(snapshot: &Snapshot) -> Result<Option<Extension>> {
    static EXTENSION: Statement = Statement::new(
        "SELECT extowner, extversion FROM pg_catalog.pg_extension
          WHERE extname OPERATOR(pg_catalog.=) 'owostack'",
    );
    let found = spi::read(snapshot, &EXTENSION, arguments![], |row| {
        Ok(Extension {
            owner: row.get(0)?,
            version: row.get(1)?,
        })
    })?;
    Ok(found.into_iter().next())
}

impl Extension {
    /// Refuses to work on objects of another version than the loaded library's.
    ///
    /// # Errors
    /// `55000`, saying what to do.
    pub fn require_library(&self) -> Result<()> {
        let library = env!("CARGO_PKG_VERSION");
        if self.version == library {
            return Ok(());
        }
        Err(Error::wrong_state(format!(
            "extension owostack is version {}, the server has loaded version {library}",
            self.version
        ))
        .hint("Restart the server, or run ALTER EXTENSION owostack UPDATE."))
    }
}
