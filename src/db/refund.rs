//! `owo.refund`: money that went back, failed to, or is on its way.
//!
//! The caller holds the customer's lock. Invariant: what a payment says of refunds is the sum of its
//! refunds that succeeded.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One refund.
#[derive(Debug, Clone)]
pub struct Refund {
    pub customer_id: Uuid,
    pub id: Uuid,
    pub organization_id: Uuid,
    pub payment_id: Uuid,
    /// `pending`, `succeeded` or `failed`.
    pub status: String,
    pub amount: i64,
    pub currency: String,
    pub reason: Option<String>,
}

fn refund(row: &Row) -> Result<Refund> {
    Ok(Refund {
        customer_id: row.get(0)?,
        id: row.get(1)?,
        organization_id: row.get(2)?,
        payment_id: row.get(3)?,
        status: row.get(4)?,
        amount: row.get(5)?,
        currency: row.get(6)?,
        reason: row.get(7)?,
    })
}

/// The refund with that id in an organization.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, organization_id: Uuid, id: Uuid) -> Result<Option<Refund>> {
    static FIND: Statement = Statement::look_up(
        "SELECT customer_id, id, organization_id, payment_id, status, amount, currency, reason
           FROM owo.refund WHERE id = $1 AND organization_id = $2",
    );
    Ok(spi::read(snapshot, &FIND, arguments![id, organization_id], refund)?.pop())
}

/// What went back of a payment and what is on its way.
///
/// # Errors
/// As `spi::read`.
pub fn sum_of(snapshot: &Snapshot, payment_id: Uuid) -> Result<i64> {
    static SUM: Statement = Statement::look_up(
        "SELECT coalesce(sum(amount), 0)::bigint FROM owo.refund
          WHERE payment_id = $1 AND status <> 'failed'",
    );
    let sums = spi::read(snapshot, &SUM, arguments![payment_id], |row| {
        row.get::<i64>(0)
    })?;
    Ok(sums.into_iter().sum())
}

/// Writes a new refund.
///
/// # Errors
/// As `spi::run`.
pub fn insert(row: &Refund, at: DateTime<Utc>) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.refund
             (customer_id, id, organization_id, payment_id, status, amount, currency, reason,
              created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
    );
    spi::run(
        &INSERT,
        arguments![
            row.customer_id,
            row.id,
            row.organization_id,
            row.payment_id,
            &row.status,
            row.amount,
            &row.currency,
            row.reason.as_ref(),
            at,
        ],
    )
    .map(|_| ())
}

/// Refunds of a payment.
///
/// # Errors
/// As `spi::read`.
pub fn of_payment(snapshot: &Snapshot, customer_id: Uuid, payment_id: Uuid) -> Result<Vec<Refund>> {
    static OF: Statement = Statement::look_up(
        "SELECT customer_id, id, organization_id, payment_id, status, amount, currency, reason
           FROM owo.refund WHERE customer_id = $1 AND payment_id = $2 ORDER BY created_at, id",
    );
    spi::read(snapshot, &OF, arguments![customer_id, payment_id], refund)
}

/// Notes that the rest of a grant went with a refund.
///
/// # Errors
/// As `spi::run`.
pub fn take(customer_id: Uuid, id: Uuid, grant_id: Uuid) -> Result<()> {
    static TAKE: Statement = Statement::look_up(
        "UPDATE owo.refund SET credit_grant_id = $3 WHERE customer_id = $1 AND id = $2",
    );
    spi::run(&TAKE, arguments![customer_id, id, grant_id]).map(|_| ())
}

/// The grants that went with refunds of a payment.
///
/// # Errors
/// As `spi::read`.
pub fn taken(snapshot: &Snapshot, customer_id: Uuid, payment_id: Uuid) -> Result<Vec<Uuid>> {
    static TAKEN: Statement = Statement::look_up(
        "SELECT credit_grant_id FROM owo.refund
          WHERE customer_id = $1 AND payment_id = $2 AND credit_grant_id IS NOT NULL ORDER BY id",
    );
    spi::read(
        snapshot,
        &TAKEN,
        arguments![customer_id, payment_id],
        |row| row.get(0),
    )
}

/// What a provider says of a refund.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub row: Refund,
    pub external_id: Option<&'a str>,
    pub failure_message: Option<&'a str>,
}

/// Writes a refund as the provider has it.
///
/// # Errors
/// As `spi::run`.
pub fn store(told: &Told, created_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.refund AS r
             (customer_id, id, organization_id, payment_id, status, amount, currency, reason,
              external_id, failure_message, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (customer_id, id) DO UPDATE
            SET status = $5, amount = $6, currency = $7,
                external_id = coalesce(r.external_id, $9),
                failure_message = CASE WHEN $5 = 'failed' THEN coalesce($10, r.failure_message) END,
                created_at = least(r.created_at, $11), updated_at = $12",
    );
    let row = &told.row;
    spi::run(
        &STORE,
        arguments![
            row.customer_id,
            row.id,
            row.organization_id,
            row.payment_id,
            &row.status,
            row.amount,
            &row.currency,
            row.reason.as_ref(),
            told.external_id,
            told.failure_message,
            created_at,
            now,
        ],
    )
    .map(|_| ())
}

/// Writes the sum of its refunds into a payment.
///
/// # Errors
/// As `spi::run`.
pub fn recount(customer_id: Uuid, payment_id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static RECOUNT: Statement = Statement::look_up(
        "UPDATE owo.payment AS p
            SET refunded_amount = r.amount, updated_at = $3
           FROM (SELECT least(coalesce(sum(f.amount), 0)::bigint, coalesce(q.amount, 0)) AS amount
                   FROM owo.payment AS q
                   LEFT JOIN owo.refund AS f ON f.customer_id = q.customer_id
                    AND f.payment_id = q.id AND f.status = 'succeeded'
                  WHERE q.customer_id = $1 AND q.id = $2
                  GROUP BY q.amount) AS r
          WHERE p.customer_id = $1 AND p.id = $2 AND p.refunded_amount <> r.amount",
    );
    spi::run(&RECOUNT, arguments![customer_id, payment_id, at]).map(|_| ())
}
