//! What our own tables say of texts that come back from a provider.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use uuid::Uuid;

/// A job of ours that something at the provider goes back to.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The row that the job is about.
    pub subject_id: Uuid,
    /// Whose it was.
    pub customer_id: Option<Uuid>,
}

/// The job of that id at the account.
///
/// # Errors
/// As `spi::read`.
pub fn operation(snapshot: &Snapshot, account_id: Uuid, id: Uuid) -> Result<Option<Operation>> {
    static OPERATION: Statement = Statement::look_up(
        "SELECT subject_id, customer_id FROM owo.outbox WHERE id = $2 AND account_id = $1",
    );
    let rows = spi::read(snapshot, &OPERATION, arguments![account_id, id], |row| {
        Ok(Operation {
            subject_id: row.get(0)?,
            customer_id: row.get(1)?,
        })
    })?;
    Ok(rows.into_iter().next())
}

/// Whether we have ever asked the account for anything for that customer.
///
/// # Errors
/// As `spi::read`.
pub fn has_dealt(snapshot: &Snapshot, account_id: Uuid, customer_id: Uuid) -> Result<bool> {
    static DEALT: Statement = Statement::new(
        "SELECT EXISTS (SELECT FROM owo.provider_account AS a
                          JOIN owo.checkout AS c ON c.organization_id = a.organization_id
                           AND c.provider = a.provider
                         WHERE a.id = $1 AND c.customer_id = $2)
             OR EXISTS (SELECT FROM owo.provider_ref
                         WHERE customer_id = $2 AND account_id = $1)
             OR EXISTS (SELECT FROM owo.subscription AS s
                          JOIN owo.provider_account AS a ON a.organization_id = s.organization_id
                           AND a.provider = s.provider
                         WHERE a.id = $1 AND s.customer_id = $2)",
    );
    let rows = spi::read(
        snapshot,
        &DEALT,
        arguments![account_id, customer_id],
        |row| row.get::<bool>(0),
    )?;
    Ok(rows.into_iter().any(|dealt| dealt))
}

/// The plan and cycle that the catalog itself gives an id at a provider.
///
/// # Errors
/// As `spi::read`.
pub fn cycle(
    snapshot: &Snapshot,
    organization_id: Uuid,
    external_id: &str,
) -> Result<Option<(Uuid, String)>> {
    static CYCLE: Statement = Statement::new(
        "SELECT c.plan_id, c.key
           FROM owo.plan_cycle AS c
           JOIN owo.plan AS p ON p.id = c.plan_id
          WHERE p.organization_id = $1 AND c.external_id = $2
          ORDER BY p.active DESC, c.plan_id, c.key LIMIT 1",
    );
    let arguments = arguments![organization_id, external_id];
    let rows = spi::read(snapshot, &CYCLE, arguments, |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.into_iter().next())
}

/// Refunds of a payment that a notice has named by a reference of its own.
///
/// # Errors
/// As `spi::read`.
pub fn noticed_refunds(
    snapshot: &Snapshot,
    account_id: Uuid,
    customer_id: Uuid,
    payment_id: Uuid,
) -> Result<Vec<Uuid>> {
    static NOTICED: Statement = Statement::look_up(
        "SELECT f.id FROM owo.refund AS f
           JOIN owo.provider_ref AS r ON r.local_id = f.id AND r.account_id = $1
            AND r.kind = 'refund' AND r.detail ? 'notice'
          WHERE f.customer_id = $2 AND f.payment_id = $3",
    );
    let arguments = arguments![account_id, customer_id, payment_id];
    spi::read(snapshot, &NOTICED, arguments, |row| row.get(0))
}
