//! What a switch carries: sums of meters, and of what they have been carried themselves.
//!
//! Called by `flow/carry`. Absent: what goes where.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use uuid::Uuid;

/// A meter of a source that is used in the period that contains a moment.
#[derive(Debug, Clone)]
pub struct Running {
    pub subject_id: Uuid,
    pub cadence: String,
    pub anchor_at: Option<DateTime<Utc>>,
    pub count_number: i32,
    pub entity: Option<String>,
}

/// Every meter of a source (a plan group or a subscription) that was used in the period that contains
/// `at`, also where all of it was given back: of what was carried there that much less goes on.
///
/// # Errors
/// As `spi::read`.
pub fn running(
    snapshot: &Snapshot,
    customer_id: Uuid,
    source_id: Uuid,
    at: DateTime<Utc>,
) -> Result<Vec<Running>> {
    static RUNNING: Statement = Statement::new(
        "SELECT DISTINCT subject_id, cadence, anchor_at, count_number, entity
           FROM (SELECT m.subject_id, m.cadence, m.anchor_at, m.count_number, m.entity,
                        p.period_start, p.period_end
                   FROM owo.meter AS m
                   JOIN owo.meter_period AS p ON p.customer_id = m.customer_id AND p.meter_id = m.id
                  WHERE m.customer_id = $1 AND m.source_id = $2 AND m.origin IS NULL
                 UNION ALL
                 SELECT u.subject_id, u.cadence, u.anchor_at, u.count_number, u.meter_entity,
                        u.period_start, u.period_end
                   FROM owo.usage_pending AS u
                  WHERE u.customer_id = $1 AND u.source_id = $2 AND u.origin IS NULL) AS x
          WHERE (period_start IS NULL OR period_start <= $3)
            AND (period_end IS NULL OR period_end > $3)
          ORDER BY subject_id, cadence, anchor_at, count_number, entity",
    );
    spi::read(
        snapshot,
        &RUNNING,
        arguments![customer_id, source_id, at],
        running_row,
    )
}

/// Every meter on which a source counted a subject, in whichever period.
///
/// # Errors
/// As `spi::read`.
pub fn of_subject(
    snapshot: &Snapshot,
    customer_id: Uuid,
    source_id: Uuid,
    subject_id: Uuid,
) -> Result<Vec<Running>> {
    static METERS: Statement = Statement::new(
        "SELECT subject_id, cadence, anchor_at, count_number, entity
           FROM owo.meter
          WHERE customer_id = $1 AND source_id = $2 AND subject_id = $3 AND origin IS NULL
         UNION
         SELECT subject_id, cadence, anchor_at, count_number, meter_entity
           FROM owo.usage_pending
          WHERE customer_id = $1 AND source_id = $2 AND subject_id = $3 AND origin IS NULL
          ORDER BY cadence, anchor_at, count_number, entity",
    );
    spi::read(
        snapshot,
        &METERS,
        arguments![customer_id, source_id, subject_id],
        running_row,
    )
}

fn running_row(row: &Row) -> Result<Running> {
    Ok(Running {
        subject_id: row.get(0)?,
        cadence: row.get(1)?,
        anchor_at: row.get(2)?,
        count_number: row.get(3)?,
        entity: row.get(4)?,
    })
}

/// What is counted of a place: all of it, or a feature's part of it in credits, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct PlaceCount {
    pub place: MeterPeriod,
    /// None: all of it. What is held is no feature's yet.
    pub feature_id: Option<Uuid>,
    pub used: Quantity,
    /// What switches carried there of it.
    pub carried: Quantity,
}

/// What is counted of places, and of each what features drew, as far as anything was.
///
/// # Errors
/// As `spi::read`.
pub fn counted(
    snapshot: &Snapshot,
    customer_id: Uuid,
    places: &[MeterPeriod],
) -> Result<Vec<PlaceCount>> {
    static COUNTED: Statement = Statement::new(
        "WITH wanted AS (SELECT * FROM unnest($2, $3) AS m (meter_id, number)),
         pending AS (
             SELECT u.* FROM owo.usage_pending AS u JOIN wanted USING (meter_id, number)
              WHERE u.customer_id = $1)
         SELECT meter_id, number, feature_id, sum(used), sum(carried)
           FROM (SELECT meter_id, number, NULL::uuid AS feature_id, used, carried
                   FROM owo.meter_period JOIN wanted USING (meter_id, number)
                  WHERE customer_id = $1
                 UNION ALL
                 SELECT meter_id, number, feature_id, used, carried
                   FROM owo.meter_feature JOIN wanted USING (meter_id, number)
                  WHERE customer_id = $1
                 UNION ALL
                 SELECT meter_id, number, NULL, quantity,
                        CASE WHEN kind = 'carry' THEN quantity ELSE 0 END
                   FROM pending
                 UNION ALL
                 SELECT meter_id, number, feature_id, quantity,
                        CASE WHEN kind = 'carry' THEN quantity ELSE 0 END
                   FROM pending WHERE feature_id <> subject_id AND kind <> 'hold') AS x
          GROUP BY meter_id, number, feature_id
          ORDER BY feature_id, meter_id, number",
    );
    let ids: Vec<Uuid> = places.iter().map(|place| place.meter_id).collect();
    let numbers: Vec<i64> = places.iter().map(|place| place.number).collect();
    spi::read(
        snapshot,
        &COUNTED,
        arguments![customer_id, ids, numbers],
        |row| {
            Ok(PlaceCount {
                place: MeterPeriod {
                    meter_id: row.get(0)?,
                    number: row.get(1)?,
                },
                feature_id: row.get(2)?,
                used: row.get(3)?,
                carried: row.get(4)?,
            })
        },
    )
}
