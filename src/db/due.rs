//! Who has a date that has come: of subscriptions, checkouts, credits and entities on their way out.
//!
//! Each part is read in index order and cut, so that a crowd on one date costs no more than a few.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A customer with a date that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub organization_id: Uuid,
    pub customer_id: Uuid,
}

fn due(row: &Row) -> Result<Due> {
    Ok(Due {
        organization_id: row.get(0)?,
        customer_id: row.get(1)?,
    })
}

/// Those of the customers for whom a trial, a subscription or a scheduled change has come to its date.
///
/// # Errors
/// As `spi::read`.
pub fn switching(
    snapshot: &Snapshot,
    customer_ids: Vec<Uuid>,
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    static SWITCHING: Statement = Statement::new(
        "SELECT DISTINCT s.customer_id
           FROM owo.subscription AS s
          WHERE s.customer_id = ANY ($1) AND s.due_at <= $2
            AND ((s.status = 'trialing' AND s.trial_ends_at <= $2)
                 OR s.cancel_at <= $2
                 OR EXISTS (SELECT FROM owo.plan_change AS p
                             WHERE p.customer_id = s.customer_id AND p.subscription_id = s.id
                               AND p.effective_at <= $2))
          ORDER BY 1",
    );
    spi::read(snapshot, &SWITCHING, arguments![customer_ids, at], |row| {
        row.get(0)
    })
}

/// Customers of an organization with a date at or before `until`, earliest first.
///
/// # Errors
/// As `spi::read`.
pub fn of_organization(
    snapshot: &Snapshot,
    organization_id: Uuid,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>> {
    static DUE: Statement = Statement::new(
        "SELECT $1, customer_id
           FROM ((SELECT customer_id, due_at AS at FROM owo.subscription
                   WHERE organization_id = $1 AND due_at <= $2
                   ORDER BY due_at LIMIT $3)
                 UNION ALL
                 (SELECT customer_id, expires_at FROM owo.checkout
                   WHERE organization_id = $1 AND status = 'open' AND expires_at <= $2
                   ORDER BY expires_at LIMIT $3)
                 UNION ALL
                 (SELECT customer_id, expires_at FROM owo.credit_grant
                   WHERE organization_id = $1 AND closed_at IS NULL AND expires_at <= $2
                   ORDER BY expires_at LIMIT $3)
                 UNION ALL
                 (SELECT customer_id, expires_at FROM owo.reservation
                   WHERE organization_id = $1 AND status = 'open' AND expires_at <= $2
                   ORDER BY expires_at LIMIT $3)
                 UNION ALL
                 (SELECT e.customer_id, e.remove_at
                    FROM owo.entity AS e
                    JOIN owo.customer AS c ON c.id = e.customer_id
                   WHERE c.organization_id = $1 AND e.remove_at <= $2
                   ORDER BY e.remove_at LIMIT $3)) AS x
          GROUP BY customer_id
          ORDER BY min(at), customer_id
          LIMIT $3",
    );
    spi::read(
        snapshot,
        &DUE,
        arguments![organization_id, until, limit],
        due,
    )
}

/// Customers with a date that has come by their organization's clock, `at` standing for real time.
///
/// # Errors
/// As `spi::read`.
pub fn everywhere(snapshot: &Snapshot, at: DateTime<Utc>, limit: i64) -> Result<Vec<Due>> {
    static DUE: Statement = Statement::new(
        "SELECT organization_id, customer_id
           FROM (SELECT o.id AS organization_id, x.customer_id, x.at
                   FROM owo.organization AS o
                  CROSS JOIN LATERAL (
                        (SELECT s.customer_id, s.due_at AS at FROM owo.subscription AS s
                          WHERE s.organization_id = o.id AND s.due_at <= coalesce(o.clock_at, $1)
                          ORDER BY s.due_at LIMIT $2)
                        UNION ALL
                        (SELECT c.customer_id, c.expires_at FROM owo.checkout AS c
                          WHERE c.organization_id = o.id AND c.status = 'open'
                            AND c.expires_at <= coalesce(o.clock_at, $1)
                          ORDER BY c.expires_at LIMIT $2)
                        UNION ALL
                        (SELECT g.customer_id, g.expires_at FROM owo.credit_grant AS g
                          WHERE g.organization_id = o.id AND g.closed_at IS NULL
                            AND g.expires_at <= coalesce(o.clock_at, $1)
                          ORDER BY g.expires_at LIMIT $2)
                        UNION ALL
                        (SELECT r.customer_id, r.expires_at FROM owo.reservation AS r
                          WHERE r.organization_id = o.id AND r.status = 'open'
                            AND r.expires_at <= coalesce(o.clock_at, $1)
                          ORDER BY r.expires_at LIMIT $2)) AS x
                 UNION ALL
                 (SELECT c.organization_id, e.customer_id, e.remove_at
                    FROM owo.entity AS e
                    JOIN owo.customer AS c ON c.id = e.customer_id
                    JOIN owo.organization AS o ON o.id = c.organization_id
                   WHERE e.remove_at <= coalesce(o.clock_at, $1)
                   ORDER BY e.remove_at LIMIT $2)) AS y
          GROUP BY organization_id, customer_id
          ORDER BY min(at), customer_id
          LIMIT $2",
    );
    spi::read(snapshot, &DUE, arguments![at, limit], due)
}

/// The first date after `at` in organizations that follow real time.
///
/// # Errors
/// As `spi::read`.
pub fn first_after(snapshot: &Snapshot, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    static FIRST: Statement = Statement::new(
        "SELECT min(y.at)
           FROM (SELECT x.at
                   FROM owo.organization AS o
                  CROSS JOIN LATERAL (
                        (SELECT s.due_at AS at FROM owo.subscription AS s
                          WHERE s.organization_id = o.id AND s.due_at > $1
                          ORDER BY s.due_at LIMIT 1)
                        UNION ALL
                        (SELECT c.expires_at FROM owo.checkout AS c
                          WHERE c.organization_id = o.id AND c.status = 'open'
                            AND c.expires_at > $1
                          ORDER BY c.expires_at LIMIT 1)
                        UNION ALL
                        (SELECT g.expires_at FROM owo.credit_grant AS g
                          WHERE g.organization_id = o.id AND g.closed_at IS NULL
                            AND g.expires_at > $1
                          ORDER BY g.expires_at LIMIT 1)
                        UNION ALL
                        (SELECT r.expires_at FROM owo.reservation AS r
                          WHERE r.organization_id = o.id AND r.status = 'open'
                            AND r.expires_at > $1
                          ORDER BY r.expires_at LIMIT 1)) AS x
                  WHERE o.clock_at IS NULL
                 UNION ALL
                 (SELECT e.remove_at FROM owo.entity AS e
                   WHERE e.remove_at > $1
                   ORDER BY e.remove_at LIMIT 1)) AS y",
    );
    let found = spi::read(snapshot, &FIRST, arguments![at], |row| row.get(0))?;
    Ok(found.into_iter().next().flatten())
}
