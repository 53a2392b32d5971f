//! `owo.credit_grant`: credits that were given or bought, and what became of them.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::backend::wake;
use crate::db::facts;
use crate::db::fold::Difference;
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Grant, GrantClosing};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// A new grant.
#[derive(Debug, Clone)]
pub struct NewGrant<'a> {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub organization_id: Uuid,
    pub credit_system_id: Uuid,
    pub amount: Quantity,
    pub expires_at: Option<DateTime<Utc>>,
    pub priority: i32,
    pub reason: Option<&'a str>,
    /// The pack that was bought; None: it was given.
    pub pack_id: Option<Uuid>,
    /// The checkout by which it was paid.
    pub checkout_id: Option<Uuid>,
    pub metadata: Value,
    pub created_at: DateTime<Utc>,
}

/// Writes a grant.
///
/// # Errors
/// As `spi::run`.
pub fn insert(grant: &NewGrant) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.credit_grant
             (id, customer_id, organization_id, credit_system_id, amount, expires_at, priority,
              source, reason, pack_id, checkout_id, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $9 IS NULL THEN 'grant' ELSE 'pack' END, $8,
                 $9, $10, $11, $12)",
    );
    wake::note();
    spi::run(
        &INSERT,
        arguments![
            grant.id,
            grant.customer_id,
            grant.organization_id,
            grant.credit_system_id,
            grant.amount,
            grant.expires_at,
            grant.priority,
            grant.reason,
            grant.pack_id,
            grant.checkout_id,
            &grant.metadata,
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
    let arguments = arguments![organization_id, slug];
    Ok(spi::read(snapshot, &SYSTEM, arguments, |row| row.get(0))?.pop())
}

/// Grants of a customer that are not closed; with a date, those that expire by then. Oldest first.
///
/// # Errors
/// As `spi::read`.
pub fn open(
    snapshot: &Snapshot,
    customer_id: Uuid,
    expired_by: Option<DateTime<Utc>>,
) -> Result<Vec<Uuid>> {
    static OPEN: Statement = Statement::new(
        "SELECT id FROM owo.credit_grant
          WHERE customer_id = $1 AND closed_at IS NULL AND ($2 IS NULL OR expires_at <= $2)
          ORDER BY expires_at, id",
    );
    spi::read(
        snapshot,
        &OPEN,
        arguments![customer_id, expired_by],
        |row| row.get(0),
    )
}

/// Grants of a checkout that are not closed.
///
/// # Errors
/// As `spi::read`.
pub fn open_of_checkout(
    snapshot: &Snapshot,
    customer_id: Uuid,
    checkout_id: Uuid,
) -> Result<Vec<Uuid>> {
    static OPEN: Statement = Statement::new(
        "SELECT id FROM owo.credit_grant
          WHERE customer_id = $1 AND checkout_id = $2 AND closed_at IS NULL ORDER BY id",
    );
    let arguments = arguments![customer_id, checkout_id];
    spi::read(snapshot, &OPEN, arguments, |row| row.get(0))
}

/// What was taken of a grant as a new one of that id; None when that is there, when nothing was
/// taken or it would have ended by now, and for customers who are gone.
///
/// # Errors
/// As `spi::read`.
pub fn closed(
    snapshot: &Snapshot,
    customer_id: Uuid,
    id: Uuid,
    again: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<NewGrant<'static>>> {
    static CLOSED: Statement = Statement::new(
        "SELECT g.organization_id, g.credit_system_id, g.taken, g.expires_at, g.priority,
                g.pack_id, g.checkout_id, g.metadata
           FROM owo.credit_grant AS g
           JOIN owo.customer AS c ON c.id = g.customer_id AND c.deleted_at IS NULL
          WHERE g.customer_id = $1 AND g.id = $2 AND g.closed_as = 'voided' AND g.taken > 0
            AND (g.expires_at IS NULL OR g.expires_at > $4)
            AND NOT EXISTS (
                SELECT FROM owo.credit_grant WHERE customer_id = $1 AND id = $3)",
    );
    let found = spi::read(
        snapshot,
        &CLOSED,
        arguments![customer_id, id, again, now],
        |row| {
            Ok(NewGrant {
                id: again,
                customer_id,
                organization_id: row.get(0)?,
                credit_system_id: row.get(1)?,
                amount: row.get(2)?,
                expires_at: row.get(3)?,
                priority: row.get(4)?,
                reason: None,
                pack_id: row.get(5)?,
                checkout_id: row.get(6)?,
                metadata: row.get(7)?,
                created_at: now,
            })
        },
    )?;
    Ok(found.into_iter().next())
}

/// A grant whose row is locked until the transaction ends.
///
/// # Errors
/// As `spi::write`.
pub fn lock(customer_id: Uuid, id: Uuid) -> Result<Option<Grant>> {
    static LOCK: Statement = Statement::new(
        "SELECT id, credit_system_id, amount, priority, created_at, expires_at, closed_as
           FROM owo.credit_grant WHERE customer_id = $1 AND id = $2 FOR UPDATE",
    );
    Ok(spi::write(&LOCK, arguments![customer_id, id], facts::grant)?.pop())
}

/// How a grant ends.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    pub closed_as: GrantClosing,
    /// What was left.
    pub taken: Quantity,
    pub at: DateTime<Utc>,
    /// None: the grant's own reason stays.
    pub reason: Option<&'a str>,
}

/// Closes a grant whose row is locked.
///
/// # Errors
/// As `spi::run`.
pub fn close(customer_id: Uuid, id: Uuid, closing: &Closing) -> Result<()> {
    static CLOSE: Statement = Statement::new(
        "UPDATE owo.credit_grant
            SET closed_as = $3, taken = $4, closed_at = $5, reason = coalesce($6, reason)
          WHERE customer_id = $1 AND id = $2",
    );
    let arguments = arguments![
        customer_id,
        id,
        closing.closed_as.as_str(),
        closing.taken,
        closing.at,
        closing.reason,
    ];
    spi::run(&CLOSE, arguments).map(|_| ())
}

/// Erases the words that came with a customer's grants.
///
/// # Errors
/// As `spi::run`.
pub fn erase(customer_id: Uuid) -> Result<()> {
    static ERASE: Statement = Statement::new(
        "UPDATE owo.credit_grant SET reason = NULL, metadata = '{}'
          WHERE customer_id = $1 AND (reason IS NOT NULL OR metadata <> '{}')",
    );
    spi::run(&ERASE, arguments![customer_id]).map(|_| ())
}

/// Where each grant of a customer comes from: `grant` or `pack`.
///
/// # Errors
/// As `spi::read`.
pub fn origins(snapshot: &Snapshot, customer_id: Uuid) -> Result<HashMap<Uuid, String>> {
    static ORIGINS: Statement =
        Statement::new("SELECT id, source FROM owo.credit_grant WHERE customer_id = $1");
    let pair = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    let rows = spi::read(snapshot, &ORIGINS, arguments![customer_id], pair)?;
    Ok(rows.into_iter().collect())
}

/// Grants of which more is used than they gave, and closed ones whose rest is not in the record.
///
/// What of a rest has been dropped from the record stands beside the opening balance.
///
/// # Errors
/// As `spi::read`.
pub fn differences(snapshot: &Snapshot) -> Result<Vec<Difference>> {
    static DIFFERENCES: Statement = Statement::new(
        "WITH posted AS (
             SELECT m.customer_id, m.source_id, u.quantity, u.kind IN ('expired', 'voided') AS takes
               FROM owo.meter AS m
               JOIN owo.usage_event AS u ON u.customer_id = m.customer_id AND u.meter_id = m.id
              WHERE m.source_kind = 'grant'
              UNION ALL
             SELECT customer_id, source_id, quantity, kind IN ('expired', 'voided')
               FROM owo.usage_pending WHERE source_kind = 'grant'
              UNION ALL
             SELECT m.customer_id, m.source_id, part.quantity, part.takes
               FROM owo.meter AS m
               JOIN owo.meter_period AS p ON p.customer_id = m.customer_id AND p.meter_id = m.id
              CROSS JOIN LATERAL (VALUES (p.opening - p.taken_opening, false),
                                         (p.taken_opening, true)) AS part (quantity, takes)
              WHERE m.source_kind = 'grant'),
         sums AS (
             SELECT customer_id, source_id, sum(quantity) AS used,
                    coalesce(sum(quantity) FILTER (WHERE takes), 0) AS taken
               FROM posted GROUP BY customer_id, source_id)
         SELECT format('credit grant %s of customer %s', s.source_id, s.customer_id),
                'at most ' || coalesce(trim_scale(g.amount)::text, 'nothing'),
                trim_scale(s.used)::text
           FROM sums AS s
           LEFT JOIN owo.credit_grant AS g
             ON g.customer_id = s.customer_id AND g.id = s.source_id
          WHERE s.used > coalesce(g.amount, 0)
         UNION ALL
         SELECT format('rest of credit grant %s of customer %s', g.id, g.customer_id),
                trim_scale(coalesce(s.taken, 0))::text, trim_scale(coalesce(g.taken, 0))::text
           FROM owo.credit_grant AS g
           LEFT JOIN sums AS s ON s.customer_id = g.customer_id AND s.source_id = g.id
          WHERE coalesce(g.taken, 0) <> coalesce(s.taken, 0)
          ORDER BY 1",
    );
    spi::read(snapshot, &DIFFERENCES, arguments![], |row| {
        Ok(Difference {
            subject: row.get(0)?,
            expected: row.get(1)?,
            actual: row.get(2)?,
        })
    })
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
