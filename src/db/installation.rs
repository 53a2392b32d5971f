//! `owo.installation`: whether this database has been bound by a first call (protocol 31).

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use pgrx::pg_sys;

fn database() -> pg_sys::Oid {
    // SAFETY: set once at backend start.
    unsafe { pg_sys::MyDatabaseId }
}

/// Whether the row names this database.
///
/// # Errors
/// As `spi::read`.
pub fn is_active(snapshot: &Snapshot) -> Result<bool> {
    static ACTIVE: Statement =
        Statement::new("SELECT EXISTS (SELECT FROM owo.installation WHERE database_oid = $1)");
    Ok(spi::read(snapshot, &ACTIVE, arguments![database()], |row| {
        row.get::<bool>(0)
    })?
    .into_iter()
    .any(|active| active))
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
    spi::run(&FORGET, arguments![database()])?;
    spi::run(&BIND, arguments![database()])?;
    Ok(())
}
