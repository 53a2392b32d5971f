//! `owo.provider_binding`: which accounts this very database may use (protocol 31). Never dumped.

use crate::arguments;
use crate::backend::database;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Whether this database may use the account.
///
/// # Errors
/// As `spi::read`.
pub fn is_bound(snapshot: &Snapshot, account_id: Uuid) -> Result<bool> {
    static BOUND: Statement = Statement::new(
        "SELECT EXISTS (SELECT FROM owo.provider_binding
                         WHERE account_id = $1 AND database_oid = $2)",
    );
    let found = spi::read(
        snapshot,
        &BOUND,
        arguments![account_id, database::own()],
        |row| row.get::<bool>(0),
    )?;
    Ok(found.into_iter().any(|bound| bound))
}

/// The accounts that this database may use.
///
/// # Errors
/// As `spi::read`.
pub fn bound(snapshot: &Snapshot) -> Result<Vec<Uuid>> {
    static BOUND: Statement =
        Statement::new("SELECT account_id FROM owo.provider_binding WHERE database_oid = $1");
    spi::read(snapshot, &BOUND, arguments![database::own()], |row| {
        row.get(0)
    })
}

/// Lets this database use the account, in place of the one it was copied from.
///
/// # Errors
/// As `spi::run`.
pub fn bind(account_id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static BIND: Statement = Statement::new(
        "INSERT INTO owo.provider_binding (account_id, database_oid, bound_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id) DO UPDATE
            SET database_oid = excluded.database_oid, bound_at = excluded.bound_at
          WHERE provider_binding.database_oid <> excluded.database_oid",
    );
    spi::run(&BIND, arguments![account_id, database::own(), at]).map(|_| ())
}
