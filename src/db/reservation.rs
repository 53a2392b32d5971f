//! `owo.reservation`: holds, their lines, and how they ended.
//!
//! A row changes only under its own lock, or under the customer's lock alone (protocol 19).

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::hold::{Line, stored};
use owostack_domain::quantity::Quantity;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// One hold.
#[derive(Debug, Clone)]
pub struct Reservation {
    pub customer_id: Uuid,
    pub id: Uuid,
    pub organization_id: Uuid,
    /// `open`, `settled`, `released` or `expired`.
    pub status: String,
    pub feature_id: Uuid,
    /// Units held.
    pub quantity: Quantity,
    /// Credits per unit, where credits pay.
    pub credit_cost: Option<Quantity>,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub entity: Option<String>,
    pub lines: Vec<Line>,
    pub metadata: Option<Value>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT customer_id, id, organization_id, status, feature_id, quantity, credit_cost, ",
            "expires_at, created_at, entity, lines, metadata FROM owo.reservation ",
            $rest
        )
    };
}

fn reservation(row: &Row) -> Result<Reservation> {
    let customer_id = row.get(0)?;
    Ok(Reservation {
        customer_id,
        id: row.get(1)?,
        organization_id: row.get(2)?,
        status: row.get(3)?,
        feature_id: row.get(4)?,
        quantity: row.get(5)?,
        credit_cost: row.get(6)?,
        expires_at: row.get(7)?,
        created_at: row.get(8)?,
        entity: row.get(9)?,
        lines: lines(customer_id, row.get(10)?)?,
        metadata: row.get(11)?,
    })
}

fn lines(customer_id: Uuid, json: Value) -> Result<Vec<Line>> {
    stored::from_json(customer_id, json).ok_or_else(|| Error::internal("lines of a reservation"))
}

/// Writes a new hold.
///
/// # Errors
/// As `spi::run`.
pub fn insert(row: &Reservation) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.reservation
             (customer_id, id, organization_id, status, feature_id, quantity, credit_cost,
              expires_at, created_at, entity, lines, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    );
    let arguments = arguments![
        row.customer_id,
        row.id,
        row.organization_id,
        &row.status,
        row.feature_id,
        row.quantity,
        row.credit_cost,
        row.expires_at,
        row.created_at,
        row.entity.as_ref(),
        stored::to_json(&row.lines),
        row.metadata.as_ref(),
    ];
    spi::run(&INSERT, arguments).map(|_| ())
}

/// The hold with that id in an organization, whatever became of it.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, organization_id: Uuid, id: Uuid) -> Result<Option<Reservation>> {
    static FIND: Statement = Statement::new(select!("WHERE id = $1 AND organization_id = $2"));
    Ok(spi::read(
        snapshot,
        &FIND,
        arguments![id, organization_id],
        reservation,
    )?
    .pop())
}

/// Waits for the row's lock and reads its latest version.
///
/// # Errors
/// As `spi::write`.
pub fn lock(customer_id: Uuid, id: Uuid) -> Result<Option<Reservation>> {
    static LOCK: Statement = Statement::new(select!(
        "WHERE customer_id = $1 AND id = $2 FOR NO KEY UPDATE"
    ));
    Ok(spi::write(&LOCK, arguments![customer_id, id], reservation)?.pop())
}

/// Locks open holds of a customer that expire by `until`, leaving out those that somebody works on.
///
/// # Errors
/// As `spi::write`.
pub fn lock_open(
    customer_id: Uuid,
    until: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Reservation>> {
    static LOCK: Statement = Statement::new(select!(
        "WHERE customer_id = $1 AND status = 'open' AND expires_at <= coalesce($2, 'infinity')
          ORDER BY expires_at, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED"
    ));
    spi::write(&LOCK, arguments![customer_id, until, limit], reservation)
}

/// When the next open hold of each of these customers expires, or has expired, where they have one.
///
/// # Errors
/// As `spi::read`.
pub fn next_ends(
    snapshot: &Snapshot,
    customer_ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, DateTime<Utc>>> {
    static NEXT: Statement = Statement::look_up(
        "SELECT customer_id, min(expires_at) FROM owo.reservation
          WHERE customer_id = ANY ($1) AND status = 'open'
          GROUP BY customer_id",
    );
    let found = spi::read(snapshot, &NEXT, arguments![customer_ids], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.into_iter().collect())
}

/// What the customer's open holds drew, of all or of those that expire by `until`.
///
/// # Errors
/// As `spi::read`.
pub fn open_lines(
    snapshot: &Snapshot,
    customer_id: Uuid,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Line>> {
    static LINES: Statement = Statement::new(
        "SELECT lines FROM owo.reservation
          WHERE customer_id = $1 AND status = 'open' AND expires_at <= coalesce($2, 'infinity')",
    );
    let found = spi::read(snapshot, &LINES, arguments![customer_id, until], |row| {
        lines(customer_id, row.get(0)?)
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Ends an open hold whose lock is held; `settled` is what was used of it, where it was settled.
///
/// # Errors
/// When it was not open.
pub fn close(
    row: &Reservation,
    status: &str,
    settled: Option<Quantity>,
    at: DateTime<Utc>,
) -> Result<()> {
    static CLOSE: Statement = Statement::new(
        "UPDATE owo.reservation
            SET status = $3, settled_quantity = $4, closed_at = $5
          WHERE customer_id = $1 AND id = $2 AND status = 'open'",
    );
    let arguments = arguments![row.customer_id, row.id, status, settled, at];
    match spi::run(&CLOSE, arguments)? {
        1 => Ok(()),
        _ => Err(Error::internal("a hold that was locked is not open")),
    }
}

/// Ends open holds of a customer that are locked; each with the time at which it expired.
///
/// # Errors
/// As `spi::run`.
pub fn close_expired(customer_id: Uuid, ids: Vec<Uuid>) -> Result<u64> {
    static EXPIRE: Statement = Statement::new(
        "UPDATE owo.reservation
            SET status = 'expired', closed_at = expires_at
          WHERE customer_id = $1 AND id = ANY ($2) AND status = 'open'",
    );
    spi::run(&EXPIRE, arguments![customer_id, ids])
}

/// Stores where a hold is counted now; the caller holds the customer's lock alone.
///
/// # Errors
/// As `spi::run`.
pub fn set_lines(row: &Reservation) -> Result<()> {
    static SET: Statement =
        Statement::new("UPDATE owo.reservation SET lines = $3 WHERE customer_id = $1 AND id = $2");
    let lines = stored::to_json(&row.lines);
    spi::run(&SET, arguments![row.customer_id, row.id, lines]).map(|_| ())
}

/// Deletes up to `limit` holds that ended longer ago than their organization keeps keys.
///
/// # Errors
/// As `spi::run`.
pub fn delete_closed(limit: i64) -> Result<u64> {
    static DELETE: Statement = Statement::look_up(
        "DELETE FROM owo.reservation
          WHERE ctid = ANY (ARRAY(
                SELECT r.ctid
                  FROM owo.reservation AS r
                  JOIN owo.organization AS o ON o.id = r.organization_id
                 WHERE r.closed_at
                       < coalesce(o.clock_at, now()) - make_interval(days => o.idempotency_days)
                   -- what no organization keeps any longer, found by index
                   AND r.closed_at < (
                       SELECT max(coalesce(x.clock_at, now())
                                  - make_interval(days => x.idempotency_days))
                         FROM owo.organization AS x)
                 LIMIT $1 FOR UPDATE OF r SKIP LOCKED))",
    );
    spi::run(&DELETE, arguments![limit])
}
