//! `owo.credit_grant`: credits that were given or bought.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use uuid::Uuid;

/// A new grant.
#[derive(Debug, Clone)]
pub struct NewGrant<'a> {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub credit_system_id: Uuid,
    pub amount: Quantity,
    pub expires_at: Option<DateTime<Utc>>,
    pub priority: i32,
    /// `grant` or `pack`.
    pub source: &'a str,
    pub reason: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

/// Writes a grant.
///
/// # Errors
/// As `spi::run`.
pub fn insert(grant: &NewGrant) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.credit_grant
             (id, customer_id, credit_system_id, amount, expires_at, priority, source, reason,
              created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    spi::run(
        &INSERT,
        arguments![
            grant.id,
            grant.customer_id,
            grant.credit_system_id,
            grant.amount,
            grant.expires_at,
            grant.priority,
            grant.source,
            grant.reason,
            grant.created_at,
        ],
    )
    .map(|_| ())
}

/// The credit system with that slug.
///
/// # Errors
/// As `spi::read`.
pub fn system(snapshot: &Snapshot, organization_id: Uuid, slug: &str) -> Result<Option<Uuid>> {
    static SYSTEM: Statement =
        Statement::new("SELECT id FROM owo.credit_system WHERE organization_id = $1 AND slug = $2");
    Ok(spi::read(
        snapshot,
        &SYSTEM,
        arguments![organization_id, slug],
        |row| row.get(0),
    )?
    .pop())
}

/// The row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(customer_id: Uuid, id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement =
        Statement::new("SELECT g FROM owo.credit_grant AS g WHERE customer_id = $1 AND id = $2");
    let snapshot = Snapshot::latest()?;
    Ok(
        spi::read(&snapshot, &ROW, arguments![customer_id, id], |row| {
            row.composite(0)
        })?
        .pop(),
    )
}
