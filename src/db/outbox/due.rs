//! Rows of `owo.outbox` whose time has come, or will.
//!
//! Invariant: only accounts bound to this very database are seen (protocol 31).

use crate::arguments;
use crate::backend::database;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A job that may be taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub id: Uuid,
    pub account_id: Uuid,
}

/// Jobs whose time has come: of accounts bound to this database that do not rest, each the first of
/// its lane, and those whose worker died on them; the longest due first.
///
/// # Errors
/// As `spi::read`.
pub fn due(
    snapshot: &Snapshot,
    at: DateTime<Utc>,
    limit: i64,
    held_back: Vec<Uuid>,
) -> Result<Vec<Due>> {
    static DUE: Statement = Statement::look_up(
        "SELECT x.id, a.id
           FROM owo.provider_binding AS b
           JOIN owo.provider_account AS a ON a.id = b.account_id
          CROSS JOIN LATERAL (
                (SELECT o.id, o.next_at AS at
                   FROM owo.outbox AS o
                  WHERE o.account_id = a.id AND o.state IN ('queued', 'failed') AND o.next_at <= $1
                    AND coalesce(a.resting_until <= $1, true) AND a.id <> ALL ($3)
                    AND NOT EXISTS (SELECT FROM owo.outbox AS e
                                     WHERE e.lane = o.lane AND e.id < o.id
                                       AND e.state NOT IN ('done', 'dead'))
                  ORDER BY o.next_at
                  LIMIT $2)
                UNION ALL
                (SELECT o.id, o.lease_until
                   FROM owo.outbox AS o
                  WHERE o.account_id = a.id AND o.state = 'running' AND o.lease_until <= $1
                  ORDER BY o.lease_until
                  LIMIT $2)) AS x
          WHERE b.database_oid = $4
          ORDER BY x.at, x.id
          LIMIT $2",
    );
    let arguments = arguments![at, limit, held_back, database::own()];
    spi::read(snapshot, &DUE, arguments, |row| {
        Ok(Due {
            id: row.get(0)?,
            account_id: row.get(1)?,
        })
    })
}

/// When the next job of an account bound to this database comes to its time, after `at`.
///
/// # Errors
/// As `spi::read`.
pub fn next_after(snapshot: &Snapshot, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    static NEXT: Statement = Statement::look_up(
        "SELECT min(x.at)
           FROM owo.provider_binding AS b
           JOIN owo.provider_account AS a ON a.id = b.account_id
          CROSS JOIN LATERAL (
                (SELECT greatest(o.next_at, a.resting_until) AS at
                   FROM owo.outbox AS o
                  WHERE o.account_id = a.id AND o.state IN ('queued', 'failed') AND o.next_at > $1
                  ORDER BY o.next_at
                  LIMIT 1)
                UNION ALL
                (SELECT a.resting_until
                   FROM owo.outbox AS o
                  WHERE o.account_id = a.id AND o.state IN ('queued', 'failed') AND o.next_at <= $1
                    AND a.resting_until > $1
                  LIMIT 1)
                UNION ALL
                (SELECT o.lease_until
                   FROM owo.outbox AS o
                  WHERE o.account_id = a.id AND o.state = 'running' AND o.lease_until > $1
                  ORDER BY o.lease_until
                  LIMIT 1)) AS x
          WHERE b.database_oid = $2",
    );
    let found = spi::read(snapshot, &NEXT, arguments![at, database::own()], |row| {
        row.get(0)
    })?;
    Ok(found.into_iter().next().flatten())
}
