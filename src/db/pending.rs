//! Rows of `owo.usage_pending`: appended by statement, or without one where the table is as we made it.

use crate::arguments;
use crate::backend::answer::Field;
use crate::backend::clock::Tick;
use crate::backend::heap::{self, Made};
use crate::backend::kept::Row;
use crate::backend::spi::{self, Statement};
use crate::backend::{append, generation, numeric};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use serde_json::Value;
use uuid::Uuid;

/// One row of `owo.usage_pending`: what was drawn from one meter.
#[derive(Debug, Clone)]
pub struct Pending {
    pub customer_id: Uuid,
    pub meter_id: Uuid,
    pub number: i64,
    /// In units of the meter; negative gives back.
    pub quantity: Quantity,
    /// In units of the feature; zero for a carried count.
    pub units: Quantity,
    pub feature_id: Uuid,
    pub id: Uuid,
    /// When it happened, which decides its period.
    pub at: DateTime<Utc>,
    pub source_id: Uuid,
    pub subject_id: Uuid,
    /// None: calendar periods.
    pub anchor_at: Option<DateTime<Utc>>,
    pub period_start: Option<DateTime<Utc>>,
    pub period_end: Option<DateTime<Utc>>,
    /// Rollover only: the period that it comes from.
    pub origin: Option<i64>,
    pub count_number: i32,
    /// Rollover only: the meter that it rolled over from.
    pub parent_id: Option<Uuid>,
    /// What the draw was from: `plan`, `addon`, `rollover`, `grant`, `override`, `default`; or what
    /// it was for: `carry`, and `expired` or `voided` for the rest of a grant that is closed.
    pub kind: &'static str,
    /// What owns the meter: `group`, `subscription`, `grant`, `override` or `default`.
    pub source_kind: &'static str,
    pub cadence: String,
    /// The entity that the usage is tagged with.
    pub entity: Option<String>,
    /// The entity that the meter belongs to.
    pub meter_entity: Option<String>,
    pub metadata: Option<Value>,
}

/// Appends pending rows; returns how many were written, which the caller compares.
///
/// # Errors
/// As `spi::run`.
pub fn append(rows: &[Pending]) -> Result<u64> {
    static APPEND: Statement = Statement::new(
        "INSERT INTO owo.usage_pending
             (customer_id, meter_id, number, quantity, units, feature_id, id, at, source_id,
              subject_id, anchor_at, period_start, period_end, origin, count_number, parent_id,
              kind, source_kind, cadence, entity, meter_entity, metadata)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                              $17, $18, $19, $20, $21, $22)",
    );
    if rows.is_empty() {
        return Ok(0);
    }
    if let Some(written) = append_plain(rows) {
        return Ok(written);
    }
    macro_rules! column {
        ($field:ident) => {
            rows.iter()
                .map(|row| row.$field.clone())
                .collect::<Vec<_>>()
        };
    }
    spi::run(
        &APPEND,
        arguments![
            column!(customer_id),
            column!(meter_id),
            column!(number),
            column!(quantity),
            column!(units),
            column!(feature_id),
            column!(id),
            column!(at),
            column!(source_id),
            column!(subject_id),
            column!(anchor_at),
            column!(period_start),
            column!(period_end),
            column!(origin),
            column!(count_number),
            column!(parent_id),
            column!(kind),
            column!(source_kind),
            column!(cadence),
            column!(entity),
            column!(meter_entity),
            column!(metadata),
        ],
    )
}

/// The same without a statement; None, and nothing done, where the table is not as we made it.
fn append_plain(rows: &[Pending]) -> Option<u64> {
    let table = pg_sys::Oid::from(generation::installation());
    let columns = |row| heap::columns::<COLUMNS>(fields(row));
    let rows: Vec<_> = rows.iter().map(columns).collect::<Option<_>>()?;
    let done = heap::insert_rows(table, MADE, &rows, |row, insert| insert(*row));
    done.then(|| u64::try_from(rows.len()).unwrap_or(0))
}

/// Columns of `owo.usage_pending`.
const COLUMNS: usize = 22;
/// Its one index, and its two guards.
const MADE: Made = Made {
    indexes: 1,
    triggers: 2,
};

/// A row of `owo.usage_pending` as the table takes it, to be recorded again and again.
#[derive(Debug)]
pub struct PlainRow(Row<COLUMNS>);

impl PlainRow {
    /// Prepares a row.
    pub fn new(row: &Pending) -> Option<Self> {
        Row::new(fields(row)).map(Self)
    }
}

/// A value to be recorded in a prepared row.
#[derive(Debug, Clone, Copy)]
pub struct PlainEvent<'a> {
    pub row: &'a PlainRow,
    pub value: Quantity,
    pub id: Uuid,
    pub at: Tick,
}

/// Appends prepared rows without a statement; false, and nothing done, where the table is not as we
/// made it.
pub fn append_prepared(events: &[PlainEvent]) -> bool {
    let table = pg_sys::Oid::from(generation::installation());
    heap::insert_rows(table, MADE, events, |event, insert| {
        let number = numeric::Room::new(event.value);
        insert(event.columns(&number));
    })
}

/// [`append_prepared`] of one row.
pub fn append_one(event: &PlainEvent) -> bool {
    let table = pg_sys::Oid::from(generation::installation());
    let number = numeric::Room::new(event.value);
    append::row(table, MADE, event.columns(&number))
}

/// The same for a row that is not prepared.
pub fn append_new(row: &Pending) -> bool {
    let table = pg_sys::Oid::from(generation::installation());
    heap::columns::<COLUMNS>(fields(row)).is_some_and(|columns| append::row(table, MADE, columns))
}

impl PlainEvent<'_> {
    /// The row with what differs from event to event; `number` is its value.
    fn columns(&self, number: &numeric::Room) -> heap::Columns<COLUMNS> {
        let (mut values, nulls) = self.row.0.columns();
        values[3] = number.datum();
        values[4] = number.datum();
        values[6] = pg_sys::Datum::from(self.id.as_bytes().as_ptr());
        values[7] = pg_sys::Datum::from(self.at);
        (values, nulls)
    }
}

/// The columns of `owo.usage_pending` in their order.
fn fields(row: &Pending) -> Vec<Field> {
    vec![
        row.customer_id.into(),
        row.meter_id.into(),
        row.number.into(),
        row.quantity.into(),
        row.units.into(),
        row.feature_id.into(),
        row.id.into(),
        row.at.into(),
        row.source_id.into(),
        row.subject_id.into(),
        row.anchor_at.into(),
        row.period_start.into(),
        row.period_end.into(),
        row.origin.into(),
        row.count_number.into(),
        row.parent_id.into(),
        row.kind.into(),
        row.source_kind.into(),
        row.cadence.as_str().into(),
        row.entity.as_deref().into(),
        row.meter_entity.as_deref().into(),
        row.metadata.clone().into(),
    ]
}
