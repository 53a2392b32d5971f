//! `owo.usage_pending`, `owo.meter_period` and the record: sums.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::draw::Own;
use owostack_domain::quantity::Quantity;
use uuid::Uuid;

/// Locks the tables that sums are read from, for reading, until the transaction ends: a snapshot
/// taken afterwards is newer than any rewrite of them (protocol 11).
///
/// # Errors
/// As `spi::read`.
pub fn lock_tables(snapshot: &Snapshot) -> Result<()> {
    static LOCK: Statement =
        Statement::new("SELECT FROM owo.usage_pending, owo.meter_period WHERE false");
    spi::read(snapshot, &LOCK, arguments![], |_| Ok(())).map(|_| ())
}

/// What is used of each (meter, number), in the order given: folded plus pending.
///
/// # Errors
/// As `spi::read`.
pub fn used(
    snapshot: &Snapshot,
    customer_id: Uuid,
    meters: &[(Uuid, i64)],
) -> Result<Vec<Quantity>> {
    static USED: Statement = Statement::new(
        "SELECT coalesce(p.used, 0) + coalesce(q.quantity, 0)
           FROM unnest($2, $3) WITH ORDINALITY AS m (meter_id, number, ordinal)
           LEFT JOIN owo.meter_period AS p
             ON p.customer_id = $1 AND p.meter_id = m.meter_id AND p.number = m.number
           LEFT JOIN LATERAL (
                SELECT sum(u.quantity) AS quantity
                  FROM owo.usage_pending AS u
                 WHERE u.customer_id = $1 AND u.meter_id = m.meter_id AND u.number = m.number) AS q
             ON true
          ORDER BY m.ordinal",
    );
    if meters.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, numbers): (Vec<Uuid>, Vec<i64>) = meters.iter().copied().unzip();
    spi::read(
        snapshot,
        &USED,
        arguments![customer_id, ids, numbers],
        |row| row.get(0),
    )
}

/// What a feature drew of each (meter, number) that several features may draw from, in the order
/// given: folded plus pending, without holds.
///
/// # Errors
/// As `spi::read`.
pub fn own(
    snapshot: &Snapshot,
    customer_id: Uuid,
    feature_id: Uuid,
    meters: &[(Uuid, i64)],
) -> Result<Vec<Own>> {
    static OWN: Statement = Statement::new(
        "SELECT coalesce(f.used, 0) + coalesce(q.quantity, 0),
                coalesce(f.units, 0) + coalesce(q.units, 0),
                coalesce(f.carried, 0) <> 0 OR coalesce(q.carried, false)
           FROM unnest($3, $4) WITH ORDINALITY AS m (meter_id, number, ordinal)
           LEFT JOIN owo.meter_feature AS f
             ON f.customer_id = $1 AND f.feature_id = $2 AND f.meter_id = m.meter_id
            AND f.number = m.number
           LEFT JOIN LATERAL (
                SELECT sum(u.quantity) AS quantity, sum(u.units) AS units,
                       bool_or(u.kind = 'carry') AS carried
                  FROM owo.usage_pending AS u
                 WHERE u.customer_id = $1 AND u.meter_id = m.meter_id AND u.number = m.number
                   AND u.feature_id = $2 AND u.kind <> 'hold') AS q
             ON true
          ORDER BY m.ordinal",
    );
    let (ids, numbers): (Vec<Uuid>, Vec<i64>) = meters.iter().copied().unzip();
    spi::read(
        snapshot,
        &OWN,
        arguments![customer_id, feature_id, ids, numbers],
        |row| {
            Ok(Own {
                amount: row.get(0)?,
                units: row.get(1)?,
                carried: row.get(2)?,
            })
        },
    )
}

/// What is used of a meter and of the rollovers that come from it, by number.
#[derive(Debug, Clone, Copy)]
pub struct PastUse {
    /// None: the meter itself; else the period that the rollover comes from.
    pub origin: Option<i64>,
    pub number: i64,
    pub used: Quantity,
}

/// Usage of a meter in all its periods, and every draw from its rollovers.
///
/// # Errors
/// As `spi::read`.
pub fn past(snapshot: &Snapshot, customer_id: Uuid, meter_id: Uuid) -> Result<Vec<PastUse>> {
    static PAST: Statement = Statement::new(
        "SELECT origin, number, sum(used)
           FROM (SELECT NULL::bigint AS origin, p.number, p.used
                   FROM owo.meter_period AS p
                  WHERE p.customer_id = $1 AND p.meter_id = $2
                 UNION ALL
                 SELECT NULL, u.number, u.quantity
                   FROM owo.usage_pending AS u
                  WHERE u.customer_id = $1 AND u.meter_id = $2
                 UNION ALL
                 SELECT m.origin, p.number, p.used
                   FROM owo.meter AS m
                   JOIN owo.meter_period AS p ON p.customer_id = m.customer_id AND p.meter_id = m.id
                  WHERE m.customer_id = $1 AND m.parent_id = $2
                 UNION ALL
                 SELECT u.origin, u.number, u.quantity
                   FROM owo.usage_pending AS u
                  WHERE u.customer_id = $1 AND u.parent_id = $2) AS x
          GROUP BY origin, number",
    );
    spi::read(snapshot, &PAST, arguments![customer_id, meter_id], |row| {
        Ok(PastUse {
            origin: row.get(0)?,
            number: row.get(1)?,
            used: row.get(2)?,
        })
    })
}

/// The natural key of the meters that entities have of one allowance.
#[derive(Debug, Clone)]
pub struct Siblings {
    pub subject_id: Uuid,
    pub source_id: Uuid,
    pub cadence: String,
    pub anchor_at: Option<DateTime<Utc>>,
    pub count_number: i32,
    pub number: i64,
}

/// What all entities together used of an allowance that each has to itself: those that there are,
/// since what was removed brings no limit of its own any more.
///
/// # Errors
/// As `spi::read`.
pub fn used_by_entities(
    snapshot: &Snapshot,
    customer_id: Uuid,
    siblings: &Siblings,
) -> Result<Quantity> {
    static USED: Statement = Statement::new(
        "SELECT coalesce(sum(used), 0)
           FROM (SELECT m.entity, p.used
                   FROM owo.meter AS m
                   JOIN owo.meter_period AS p ON p.customer_id = m.customer_id AND p.meter_id = m.id
                  WHERE m.customer_id = $1 AND m.entity IS NOT NULL AND m.origin IS NULL
                    AND m.subject_id = $2 AND m.source_id = $3 AND m.cadence = $4
                    AND m.anchor_at IS NOT DISTINCT FROM $5 AND m.count_number = $6
                    AND p.number = $7
                 UNION ALL
                 SELECT u.meter_entity, u.quantity
                   FROM owo.usage_pending AS u
                  WHERE u.customer_id = $1 AND u.meter_entity IS NOT NULL AND u.origin IS NULL
                    AND u.subject_id = $2 AND u.source_id = $3 AND u.cadence = $4
                    AND u.anchor_at IS NOT DISTINCT FROM $5 AND u.count_number = $6
                    AND u.number = $7) AS x
          WHERE EXISTS (SELECT FROM owo.entity AS e WHERE e.customer_id = $1 AND e.key = x.entity)",
    );
    let sum = spi::read(
        snapshot,
        &USED,
        arguments![
            customer_id,
            siblings.subject_id,
            siblings.source_id,
            siblings.cadence.as_str(),
            siblings.anchor_at,
            siblings.count_number,
            siblings.number,
        ],
        |row| row.get(0),
    )?;
    Ok(sum.into_iter().next().unwrap_or(Quantity::ZERO))
}
