//! `owo.identity`: names that other systems have for a customer.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use uuid::Uuid;

/// A name in another system.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    pub provider: &'a str,
    pub kind: &'a str,
    pub external_id: &'a str,
}

/// The customer that holds the name.
///
/// # Errors
/// As `spi::read`.
pub fn holder(snapshot: &Snapshot, organization_id: Uuid, name: &Name) -> Result<Option<Uuid>> {
    static HOLDER: Statement = Statement::new(
        "SELECT customer_id FROM owo.identity
          WHERE organization_id = $1 AND provider = $2 AND kind = $3 AND external_id = $4",
    );
    let found = spi::read(
        snapshot,
        &HOLDER,
        arguments![organization_id, name.provider, name.kind, name.external_id],
        |row| row.get(0),
    )?;
    Ok(found.into_iter().next())
}

/// Writes a name that nobody holds.
///
/// # Errors
/// As `spi::run`.
pub fn insert(
    organization_id: Uuid,
    customer_id: Uuid,
    name: &Name,
    at: DateTime<Utc>,
) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.identity
             (organization_id, customer_id, provider, kind, external_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    );
    spi::run(
        &INSERT,
        arguments![
            organization_id,
            customer_id,
            name.provider,
            name.kind,
            name.external_id,
            at
        ],
    )
    .map(|_| ())
}

/// Takes a name away; whether it was there.
///
/// # Errors
/// As `spi::run`.
pub fn delete(customer_id: Uuid, name: &Name) -> Result<bool> {
    static DELETE: Statement = Statement::new(
        "DELETE FROM owo.identity
          WHERE customer_id = $1 AND provider = $2 AND kind = $3 AND external_id = $4",
    );
    let deleted = spi::run(
        &DELETE,
        arguments![customer_id, name.provider, name.kind, name.external_id],
    )?;
    Ok(deleted > 0)
}

/// The row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(customer_id: Uuid, name: &Name) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::new(
        "SELECT i FROM owo.identity AS i
          WHERE customer_id = $1 AND provider = $2 AND kind = $3 AND external_id = $4",
    );
    let snapshot = Snapshot::latest()?;
    let found = spi::read(
        &snapshot,
        &ROW,
        arguments![customer_id, name.provider, name.kind, name.external_id],
        |row| row.composite(0),
    )?;
    Ok(found.into_iter().next())
}
