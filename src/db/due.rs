//! Who has dates that have passed: in `owo.subscription.due_at` and on open checkouts.
//!
//! Read by the sandbox clock and by the worker. Deliberately absent: what the dates do.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Customers of an organization with a date at or before `until`, earliest first.
///
/// # Errors
/// As `spi::read`.
pub fn customers(
    snapshot: &Snapshot,
    organization_id: Uuid,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    static DUE: Statement = Statement::new(
        "SELECT customer_id
           FROM (SELECT customer_id, due_at FROM owo.subscription
                  WHERE organization_id = $1 AND due_at <= $2
                 UNION ALL
                 SELECT customer_id, expires_at FROM owo.checkout
                  WHERE organization_id = $1 AND status = 'open' AND expires_at <= $2) AS x
          GROUP BY customer_id
          ORDER BY min(due_at), customer_id
          LIMIT $3",
    );
    spi::read(
        snapshot,
        &DUE,
        arguments![organization_id, until, limit],
        |row| row.get(0),
    )
}

/// Organizations in which something is due by their own clock, `at` standing for real time.
///
/// # Errors
/// As `spi::read`.
pub fn organizations(snapshot: &Snapshot, at: DateTime<Utc>) -> Result<Vec<Uuid>> {
    static DUE: Statement = Statement::new(
        "SELECT o.id
           FROM owo.organization AS o
          WHERE EXISTS (SELECT FROM owo.subscription AS s
                         WHERE s.organization_id = o.id AND s.due_at <= coalesce(o.clock_at, $1))
             OR EXISTS (SELECT FROM owo.checkout AS c
                         WHERE c.organization_id = o.id AND c.status = 'open'
                           AND c.expires_at <= coalesce(o.clock_at, $1))
          ORDER BY o.id",
    );
    spi::read(snapshot, &DUE, arguments![at], |row| row.get(0))
}
