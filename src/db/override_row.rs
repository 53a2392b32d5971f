//! `owo.override`: values that replace a plan's.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::Override;
use pgrx::pg_sys;
use uuid::Uuid;

/// Takes the override of that feature and subscription away; whether there was one.
///
/// # Errors
/// As `spi::run`.
pub fn delete(customer_id: Uuid, feature_id: Uuid, subscription_id: Option<Uuid>) -> Result<bool> {
    static DELETE: Statement = Statement::new(
        "DELETE FROM owo.override
          WHERE customer_id = $1 AND feature_id = $2
            AND subscription_id IS NOT DISTINCT FROM $3",
    );
    Ok(spi::run(
        &DELETE,
        arguments![customer_id, feature_id, subscription_id],
    )? > 0)
}

/// Writes an override in the place of an earlier one.
///
/// # Errors
/// As `spi::run`.
pub fn store(
    customer_id: Uuid,
    row: &Override,
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.override
             (id, customer_id, feature_id, subscription_id, enabled, usage_limit, unlimited, value,
              expires_at, reason, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (customer_id, feature_id, subscription_id) DO UPDATE
            SET enabled = excluded.enabled, usage_limit = excluded.usage_limit,
                unlimited = excluded.unlimited, value = excluded.value,
                expires_at = excluded.expires_at, reason = excluded.reason,
                created_at = excluded.created_at",
    );
    spi::run(
        &STORE,
        arguments![
            row.id,
            customer_id,
            row.feature_id,
            row.subscription_id,
            row.enabled,
            row.usage_limit,
            row.unlimited,
            row.value.as_ref(),
            row.expires_at,
            reason,
            at,
        ],
    )
    .map(|_| ())
}

/// The row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(customer_id: Uuid, id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement =
        Statement::new("SELECT o FROM owo.override AS o WHERE customer_id = $1 AND id = $2");
    let snapshot = Snapshot::latest()?;
    Ok(
        spi::read(&snapshot, &ROW, arguments![customer_id, id], |row| {
            row.composite(0)
        })?
        .pop(),
    )
}
