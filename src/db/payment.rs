//! `owo.payment`: money that came, failed to come, or is on its way.
//!
//! The caller holds the customer's lock.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use serde_json::Value;
use uuid::Uuid;

/// One payment.
#[derive(Debug, Clone)]
pub struct Payment {
    pub customer_id: Uuid,
    pub id: Uuid,
    pub organization_id: Uuid,
    /// None: provider manual.
    pub account_id: Option<Uuid>,
    pub provider: String,
    /// `pending`, `succeeded` or `failed`.
    pub status: String,
    /// Why money was asked for, as in the table's check.
    pub reason: String,
    /// Minor units; None until the provider has said.
    pub amount: Option<i64>,
    pub currency: Option<String>,
    pub subscription_id: Option<Uuid>,
    pub checkout_id: Option<Uuid>,
    pub payment_method_id: Option<Uuid>,
    /// The provider's id, or the reference outside.
    pub external_id: Option<String>,
    pub paid_at: Option<DateTime<Utc>>,
    pub metadata: Value,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT customer_id, id, organization_id, account_id, provider, status, reason, amount, ",
            "currency, subscription_id, checkout_id, payment_method_id, ",
            "external_id, paid_at, metadata FROM owo.payment ",
            $rest
        )
    };
}

fn payment(row: &Row) -> Result<Payment> {
    Ok(Payment {
        customer_id: row.get(0)?,
        id: row.get(1)?,
        organization_id: row.get(2)?,
        account_id: row.get(3)?,
        provider: row.get(4)?,
        status: row.get(5)?,
        reason: row.get(6)?,
        amount: row.get(7)?,
        currency: row.get(8)?,
        subscription_id: row.get(9)?,
        checkout_id: row.get(10)?,
        payment_method_id: row.get(11)?,
        external_id: row.get(12)?,
        paid_at: row.get(13)?,
        metadata: row.get(14)?,
    })
}

/// The payment with that id in an organization.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, organization_id: Uuid, id: Uuid) -> Result<Option<Payment>> {
    // Not by the organization too: its index looks as good while the table is empty.
    static FIND: Statement = Statement::look_up(select!("WHERE id = $1"));
    let mut found = spi::read(snapshot, &FIND, arguments![id], payment)?;
    found.retain(|row| row.organization_id == organization_id);
    Ok(found.pop())
}

/// The payment that a checkout waits for without a page; the newest.
///
/// # Errors
/// As `spi::read`.
pub fn of_checkout(
    snapshot: &Snapshot,
    customer_id: Uuid,
    checkout_id: Uuid,
) -> Result<Option<Payment>> {
    static OF: Statement = Statement::look_up(select!(
        "WHERE customer_id = $1 AND checkout_id = $2 ORDER BY created_at, id"
    ));
    let arguments = arguments![customer_id, checkout_id];
    Ok(spi::read(snapshot, &OF, arguments, payment)?.pop())
}

/// Writes a new payment.
///
/// # Errors
/// As `spi::run`.
pub fn insert(row: &Payment, at: DateTime<Utc>) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.payment
             (customer_id, id, organization_id, account_id, provider, status, reason, amount,
              currency, subscription_id, checkout_id, payment_method_id, external_id, paid_at,
              metadata, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
    );
    spi::run(
        &INSERT,
        arguments![
            row.customer_id,
            row.id,
            row.organization_id,
            row.account_id,
            &row.provider,
            &row.status,
            &row.reason,
            row.amount,
            row.currency.as_ref(),
            row.subscription_id,
            row.checkout_id,
            row.payment_method_id,
            row.external_id.as_ref(),
            row.paid_at,
            &row.metadata,
            at,
        ],
    )
    .map(|_| ())
}

/// What a provider says of a payment, to be joined with what it said before.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub customer_id: Uuid,
    pub id: Uuid,
    pub organization_id: Uuid,
    pub account_id: Uuid,
    pub provider: &'a str,
    /// The state that all that was said comes to.
    pub status: &'a str,
    pub reason: &'a str,
    pub amount: Option<i64>,
    pub currency: Option<&'a str>,
    pub tax_amount: Option<i64>,
    pub subscription_id: Option<Uuid>,
    pub checkout_id: Option<Uuid>,
    pub payment_method_id: Option<Uuid>,
    pub external_id: &'a str,
    pub failure_code: Option<&'a str>,
    pub failure_message: Option<&'a str>,
    pub action_url: Option<&'a str>,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was paid, if it was.
    pub paid_at: DateTime<Utc>,
    /// Whether this says that it was paid.
    pub paid: bool,
    /// Whether this is newer than all that was said before.
    pub newer: bool,
    /// When the provider made it, as far as is known.
    pub at: DateTime<Utc>,
}

/// Writes what is newer, and of what is older only what nobody had said yet.
///
/// # Errors
/// As `spi::run`.
pub fn store(told: &Told, now: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.payment AS p
             (customer_id, id, organization_id, account_id, provider, status, reason, amount,
              currency, tax_amount, subscription_id, checkout_id, payment_method_id, external_id,
              failure_code, failure_message, action_url, next_attempt_at, paid_at, created_at,
              updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 CASE $6 WHEN 'succeeded' THEN $19 END, $20, $21)
         ON CONFLICT (customer_id, id) DO UPDATE
            SET account_id = coalesce(p.account_id, $4),
                status = $6,
                reason = CASE WHEN $22 THEN $7 ELSE p.reason END,
                amount = CASE WHEN $22 THEN coalesce($8, p.amount)
                              ELSE coalesce(p.amount, $8) END,
                currency = CASE WHEN $22 THEN coalesce($9, p.currency)
                                ELSE coalesce(p.currency, $9) END,
                tax_amount = CASE WHEN $22 THEN coalesce($10, p.tax_amount)
                                  ELSE coalesce(p.tax_amount, $10) END,
                subscription_id = coalesce(p.subscription_id, $11),
                checkout_id = coalesce(p.checkout_id, $12),
                payment_method_id = CASE WHEN $22 THEN coalesce($13, p.payment_method_id)
                                         ELSE coalesce(p.payment_method_id, $13) END,
                external_id = coalesce(p.external_id, $14),
                failure_code = CASE WHEN $6 = 'succeeded' THEN NULL
                                    WHEN $22 THEN $15 ELSE p.failure_code END,
                failure_message = CASE WHEN $6 = 'succeeded' THEN NULL
                                       WHEN $22 THEN $16 ELSE p.failure_message END,
                action_url = CASE WHEN $6 = 'succeeded' THEN NULL
                                  WHEN $22 THEN $17 ELSE p.action_url END,
                next_attempt_at = CASE WHEN $6 = 'succeeded' THEN NULL
                                       WHEN $22 THEN $18 ELSE p.next_attempt_at END,
                paid_at = CASE WHEN $23 THEN $19 ELSE p.paid_at END,
                created_at = least(p.created_at, $20),
                updated_at = $21",
    );
    spi::run(
        &STORE,
        arguments![
            told.customer_id,
            told.id,
            told.organization_id,
            told.account_id,
            told.provider,
            told.status,
            told.reason,
            told.amount,
            told.currency,
            told.tax_amount,
            told.subscription_id,
            told.checkout_id,
            told.payment_method_id,
            told.external_id,
            told.failure_code,
            told.failure_message,
            told.action_url,
            told.next_attempt_at,
            told.paid_at,
            told.at,
            now,
            told.newer,
            told.paid,
        ],
    )
    .map(|_| ())
}

/// Lets payments of a subscription that never began belong to the one that goes on in its place.
///
/// # Errors
/// As `spi::run`.
pub fn move_to(customer_id: Uuid, from: Uuid, to: Uuid) -> Result<()> {
    static MOVE: Statement = Statement::look_up(
        "UPDATE owo.payment SET subscription_id = $3
          WHERE customer_id = $1 AND subscription_id = $2",
    );
    spi::run(&MOVE, arguments![customer_id, from, to]).map(|_| ())
}

/// Notes that a payment will not come.
///
/// # Errors
/// As `spi::run`.
pub fn fail(
    customer_id: Uuid,
    id: Uuid,
    code: Option<&str>,
    message: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    static FAIL: Statement = Statement::look_up(
        "UPDATE owo.payment
            SET status = 'failed', failure_code = $3, failure_message = $4, updated_at = $5
          WHERE customer_id = $1 AND id = $2 AND status = 'pending'",
    );
    spi::run(&FAIL, arguments![customer_id, id, code, message, at]).map(|_| ())
}

/// Notes that nobody waits for a checkout's money any more; should it come all the same, it counts.
///
/// # Errors
/// As `spi::run`.
pub fn give_up(customer_id: Uuid, checkout_id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static GIVE_UP: Statement = Statement::look_up(
        "UPDATE owo.payment
            SET status = 'failed', failure_message = 'the checkout was closed', updated_at = $3
          WHERE customer_id = $1 AND checkout_id = $2 AND status = 'pending'",
    );
    spi::run(&GIVE_UP, arguments![customer_id, checkout_id, at]).map(|_| ())
}

/// Erases the application's own text about a customer's payments; sums stay.
///
/// # Errors
/// As `spi::run`.
pub fn erase(customer_id: Uuid) -> Result<()> {
    static ERASE: [Statement; 2] = [
        Statement::look_up(
            "UPDATE owo.payment SET metadata = '{}', action_url = NULL
              WHERE customer_id = $1 AND (metadata <> '{}' OR action_url IS NOT NULL)",
        ),
        Statement::look_up(
            "UPDATE owo.refund SET reason = NULL WHERE customer_id = $1 AND reason IS NOT NULL",
        ),
    ];
    for statement in &ERASE {
        spi::run(statement, arguments![customer_id])?;
    }
    Ok(())
}

/// The payment's row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(customer_id: Uuid, id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement =
        Statement::look_up("SELECT p FROM owo.payment AS p WHERE customer_id = $1 AND id = $2");
    let snapshot = Snapshot::latest()?;
    Ok(
        spi::read(&snapshot, &ROW, arguments![customer_id, id], |row| {
            row.composite(0)
        })?
        .pop(),
    )
}
