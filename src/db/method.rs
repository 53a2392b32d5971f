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
