//! `owo.checkout`: what waits for the customer's money or card.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::backend::wake;
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use serde_json::Value;
use uuid::Uuid;

/// One checkout as flows need it.
#[derive(Debug, Clone)]
pub struct Checkout {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub organization_id: Uuid,
    /// `subscription`, `setup` or `pack`.
    pub kind: String,
    /// `open`, `completed`, `failed` or `expired`.
    pub status: String,
    pub url: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub subscription_id: Option<Uuid>,
    pub plan_id: Option<Uuid>,
    pub amount: i64,
    pub currency: Option<String>,
    pub provider: String,
    pub callback_url: Option<String>,
    pub metadata: Value,
    /// What a checkout of kind `pack` sells.
    pub pack: Option<PackSold>,
    /// False: the provider carries it out without the customer, such as with a saved card.
    pub has_page: bool,
}

/// A credit pack as it was sold: later edits of the catalog change nothing.
#[derive(Debug, Clone)]
pub struct PackSold {
    pub pack_id: Uuid,
    pub credit_system_id: Uuid,
    /// All credits together.
    pub credits: Quantity,
    pub quantity: i32,
    /// Life of the credits as interval text; None: for ever.
    pub expire_after: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, customer_id, organization_id, kind, status, url, expires_at, ",
            "subscription_id, plan_id, amount, currency, provider, callback_url, metadata, ",
            "pack_id, credit_system_id, credits, quantity, credits_expire_after, has_page ",
            "FROM owo.checkout ",
            $rest
        )
    };
}

fn checkout(row: &Row) -> Result<Checkout> {
    Ok(Checkout {
        id: row.get(0)?,
        customer_id: row.get(1)?,
        organization_id: row.get(2)?,
        kind: row.get(3)?,
        status: row.get(4)?,
        url: row.get(5)?,
        expires_at: row.get(6)?,
        subscription_id: row.get(7)?,
        plan_id: row.get(8)?,
        amount: row.get(9)?,
        currency: row.get(10)?,
        provider: row.get(11)?,
        callback_url: row.get(12)?,
        metadata: row.get(13)?,
        pack: pack(row)?,
        has_page: row.get(19)?,
    })
}

fn pack(row: &Row) -> Result<Option<PackSold>> {
    let Some(pack_id) = row.get(14)? else {
        return Ok(None);
    };
    Ok(Some(PackSold {
        pack_id,
        credit_system_id: row.get(15)?,
        credits: row.get(16)?,
        quantity: row.get(17)?,
        expire_after: row.get(18)?,
    }))
}

/// The checkout with that id in an organization.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, organization_id: Uuid, id: Uuid) -> Result<Option<Checkout>> {
    static FIND: Statement = Statement::look_up(select!("WHERE id = $1 AND organization_id = $2"));
    Ok(spi::read(snapshot, &FIND, arguments![id, organization_id], checkout)?.pop())
}

/// Checkouts of a customer that nobody has closed, oldest first.
///
/// # Errors
/// As `spi::read`.
pub fn open(snapshot: &Snapshot, customer_id: Uuid) -> Result<Vec<Checkout>> {
    static OPEN: Statement = Statement::look_up(select!(
        "WHERE customer_id = $1 AND status = 'open' ORDER BY created_at, id"
    ));
    spi::read(snapshot, &OPEN, arguments![customer_id], checkout)
}

/// Where a customer came back to from the latest checkout that said so.
///
/// # Errors
/// As `spi::read`.
pub fn last_callback(snapshot: &Snapshot, customer_id: Uuid) -> Result<Option<String>> {
    static LAST: Statement = Statement::look_up(
        "SELECT callback_url FROM owo.checkout
          WHERE customer_id = $1 AND callback_url IS NOT NULL
          ORDER BY created_at DESC, id DESC LIMIT 1",
    );
    let rows = spi::read(snapshot, &LAST, arguments![customer_id], |row| row.get(0))?;
    Ok(rows.into_iter().next())
}

/// Writes a new checkout.
///
/// # Errors
/// As `spi::run`.
pub fn insert(row: &Checkout, at: DateTime<Utc>) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.checkout
             (customer_id, id, organization_id, kind, status, url, expires_at, subscription_id,
              plan_id, amount, currency, provider, callback_url, metadata, created_at, updated_at,
              pack_id, credit_system_id, credits, quantity, credits_expire_after,
              has_page)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17,
                 $18, $19, $20, $21)",
    );
    let pack = row.pack.as_ref();
    wake::note();
    spi::run(
        &INSERT,
        arguments![
            row.customer_id,
            row.id,
            row.organization_id,
            &row.kind,
            &row.status,
            row.url.as_ref(),
            row.expires_at,
            row.subscription_id,
            row.plan_id,
            row.amount,
            row.currency.as_ref(),
            &row.provider,
            row.callback_url.as_ref(),
            &row.metadata,
            at,
            pack.map(|pack| pack.pack_id),
            pack.map(|pack| pack.credit_system_id),
            pack.map(|pack| pack.credits),
            pack.map(|pack| pack.quantity),
            pack.and_then(|pack| pack.expire_after.as_ref()),
            row.has_page,
        ],
    )
    .map(|_| ())
}

/// How a checkout ended.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// `completed`, `failed` or `expired`.
    pub status: &'a str,
    pub reference: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub at: DateTime<Utc>,
}

/// Closes an open checkout; false when it was closed before.
///
/// # Errors
/// As `spi::run`.
pub fn close(customer_id: Uuid, id: Uuid, closing: &Closing) -> Result<bool> {
    static CLOSE: Statement = Statement::look_up(
        "UPDATE owo.checkout
            SET status = $3, reference = $4, reason = $5, closed_at = $6, updated_at = $6
          WHERE customer_id = $1 AND id = $2 AND status = 'open'",
    );
    let arguments = arguments![
        customer_id,
        id,
        closing.status,
        closing.reference,
        closing.reason,
        closing.at,
    ];
    Ok(spi::run(&CLOSE, arguments)? > 0)
}

/// Notes where the customer pays.
///
/// # Errors
/// As `spi::run`.
pub fn set_url(customer_id: Uuid, id: Uuid, url: &str, at: DateTime<Utc>) -> Result<()> {
    static SET: Statement = Statement::look_up(
        "UPDATE owo.checkout SET url = $3, updated_at = $4
          WHERE customer_id = $1 AND id = $2 AND status = 'open' AND url IS DISTINCT FROM $3",
    );
    spi::run(&SET, arguments![customer_id, id, url, at]).map(|_| ())
}

/// Opens a checkout again that had closed without money, because money has come after all.
///
/// # Errors
/// As `spi::run`.
pub fn reopen(customer_id: Uuid, id: Uuid) -> Result<()> {
    static REOPEN: Statement = Statement::look_up(
        "UPDATE owo.checkout SET status = 'open', closed_at = NULL, reason = NULL
          WHERE customer_id = $1 AND id = $2 AND status IN ('failed', 'expired')",
    );
    spi::run(&REOPEN, arguments![customer_id, id]).map(|_| ())
}

/// The checkout's row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(snapshot: &Snapshot, organization_id: Uuid, id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::look_up(
        "SELECT c FROM owo.checkout AS c WHERE id = $1 AND organization_id = $2",
    );
    Ok(
        spi::read(snapshot, &ROW, arguments![id, organization_id], |row| {
            row.composite(0)
        })?
        .pop(),
    )
}
