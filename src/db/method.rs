//! `owo.payment_method`: saved means of payment.
//!
//! The caller holds the customer's lock.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One saved method, in the order of the table's columns.
#[derive(Debug, Clone)]
pub struct Method {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub provider: String,
    pub kind: String,
    pub is_default: bool,
    pub expires_month: Option<i32>,
    pub expires_year: Option<i32>,
    pub created_at: DateTime<Utc>,
    /// What it is charged by, or the reference outside.
    pub external_id: Option<String>,
    pub brand: Option<String>,
    pub last_digits: Option<String>,
    /// None: provider manual.
    pub account_id: Option<Uuid>,
    pub fingerprint: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, customer_id, provider, kind, is_default, expires_month, expires_year, ",
            "created_at, external_id, brand, last_digits, account_id, fingerprint ",
            "FROM owo.payment_method ",
            $rest
        )
    };
}

fn method(row: &Row) -> Result<Method> {
    Ok(Method {
        id: row.get(0)?,
        customer_id: row.get(1)?,
        provider: row.get(2)?,
        kind: row.get(3)?,
        is_default: row.get(4)?,
        expires_month: row.get(5)?,
        expires_year: row.get(6)?,
        created_at: row.get(7)?,
        external_id: row.get(8)?,
        brand: row.get(9)?,
        last_digits: row.get(10)?,
        account_id: row.get(11)?,
        fingerprint: row.get(12)?,
    })
}

/// Every method of a customer, the default first.
///
/// # Errors
/// As `spi::read`.
pub fn list(snapshot: &Snapshot, customer_id: Uuid) -> Result<Vec<Method>> {
    static LIST: Statement = Statement::look_up(select!(
        "WHERE customer_id = $1 ORDER BY is_default DESC, created_at DESC, id"
    ));
    spi::read(snapshot, &LIST, arguments![customer_id], method)
}

/// The method that an account charges: the default, else the newest.
///
/// # Errors
/// As `spi::read`.
pub fn chargeable(
    snapshot: &Snapshot,
    customer_id: Uuid,
    account_id: Uuid,
) -> Result<Option<Method>> {
    let all = list(snapshot, customer_id)?;
    Ok(all
        .into_iter()
        .find(|one| one.account_id == Some(account_id) && one.external_id.is_some()))
}

/// Writes a method as the provider has it, or fills in what nobody had said of it yet.
///
/// # Errors
/// As `spi::run`.
pub fn store(row: &Method, newer: bool) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.payment_method AS m
             (id, customer_id, provider, kind, is_default, expires_month, expires_year, created_at,
              external_id, brand, last_digits, account_id, fingerprint)
         VALUES ($1, $2, $3, $4, false, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (customer_id, id) DO UPDATE
            SET kind = CASE WHEN m.kind = 'card' OR $13 AND $4 <> 'card' THEN $4 ELSE m.kind END,
                expires_month = CASE WHEN $13 THEN coalesce($5, m.expires_month)
                                     ELSE coalesce(m.expires_month, $5) END,
                expires_year = CASE WHEN $13 THEN coalesce($6, m.expires_year)
                                    ELSE coalesce(m.expires_year, $6) END,
                created_at = least(m.created_at, $7),
                brand = CASE WHEN $13 THEN coalesce($9, m.brand) ELSE coalesce(m.brand, $9) END,
                last_digits = CASE WHEN $13 THEN coalesce($10, m.last_digits)
                                   ELSE coalesce(m.last_digits, $10) END,
                fingerprint = CASE WHEN $13 THEN coalesce($12, m.fingerprint)
                                   ELSE coalesce(m.fingerprint, $12) END",
    );
    spi::run(
        &STORE,
        arguments![
            row.id,
            row.customer_id,
            &row.provider,
            &row.kind,
            row.expires_month,
            row.expires_year,
            row.created_at,
            row.external_id.as_ref(),
            row.brand.as_ref(),
            row.last_digits.as_ref(),
            row.account_id,
            row.fingerprint.as_ref(),
            newer,
        ],
    )
    .map(|_| ())
}

/// Makes the method that was saved last the default, and no other one.
///
/// # Errors
/// As `spi::run`.
pub fn choose_default(customer_id: Uuid) -> Result<()> {
    static CHOOSE: Statement = Statement::look_up(
        "UPDATE owo.payment_method AS m SET is_default = (m.id = n.id)
           FROM (SELECT id FROM owo.payment_method WHERE customer_id = $1
                  ORDER BY created_at DESC, id LIMIT 1) AS n
          WHERE m.customer_id = $1 AND m.is_default <> (m.id = n.id)",
    );
    spi::run(&CHOOSE, arguments![customer_id]).map(|_| ())
}

/// Forgets a method; whether it was there.
///
/// # Errors
/// As `spi::run`.
pub fn delete(customer_id: Uuid, id: Uuid) -> Result<bool> {
    static DELETE: Statement =
        Statement::look_up("DELETE FROM owo.payment_method WHERE customer_id = $1 AND id = $2");
    Ok(spi::run(&DELETE, arguments![customer_id, id])? > 0)
}

/// Makes the newest method the default where none is.
///
/// # Errors
/// As `spi::run`.
pub fn promote(customer_id: Uuid) -> Result<()> {
    static PROMOTE: Statement = Statement::look_up(
        "UPDATE owo.payment_method SET is_default = true
          WHERE customer_id = $1
            AND id = (SELECT id FROM owo.payment_method WHERE customer_id = $1
                       ORDER BY is_default DESC, created_at DESC, id LIMIT 1)
            AND NOT is_default",
    );
    spi::run(&PROMOTE, arguments![customer_id]).map(|_| ())
}

/// The currency that a customer is billed in, else the one that the organization's plans are sold in.
///
/// # Errors
/// As `spi::read`.
pub fn currency(
    snapshot: &Snapshot,
    organization_id: Uuid,
    customer_id: Uuid,
) -> Result<Option<String>> {
    static CURRENCY: Statement = Statement::look_up(
        "SELECT coalesce(
             (SELECT currency FROM owo.subscription
               WHERE customer_id = $1 AND currency IS NOT NULL
               ORDER BY created_at DESC, id LIMIT 1),
             (SELECT currency FROM owo.plan
               WHERE organization_id = $2 AND currency IS NOT NULL
               GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1))",
    );
    let rows = spi::read(
        snapshot,
        &CURRENCY,
        arguments![customer_id, organization_id],
        |row| row.get(0),
    )?;
    Ok(rows.into_iter().next().flatten())
}
