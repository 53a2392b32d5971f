//! One batch of the fold, the partitions it needs (protocol 27), and those that have grown old (29).
//!
//! Called by `flow::round` alone. Invariant: one folder per database at a time.

use crate::backend::isolation;
use crate::backend::lock::{self, Class};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::guc;
use crate::meter;
use chrono::{DateTime, Utc};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Rows that one statement of the fold moves at most.
const BATCH_ROWS: i64 = 10_000;

/// How long a month is left alone after somebody was found reading the record: each try keeps new readers
/// waiting for a moment.
const PATIENCE: Duration = Duration::from_hours(1);

thread_local! {
    /// When this process found readers in the way of dropping a month.
    static IN_USE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// That many rows were moved, and more are there.
    Full(i64),
    /// That many rows were moved; no more are there.
    Last(i64),
    /// Another transaction folds.
    Busy,
    /// Above READ COMMITTED the fold rests.
    Isolation,
}

/// Makes the partitions that committed rows need; false when somebody else folds.
///
/// # Errors
/// As the statements.
pub fn make_partitions() -> Result<bool> {
    if !lock::try_acquire(Class::Fold, 0) {
        return Ok(false);
    }
    for month in db::fold::months_without_partition(&Snapshot::latest()?)? {
        db::fold::create_partition(&month)?;
    }
    Ok(true)
}

/// Folds up to a batch of committed rows; those whose month has no partition yet wait.
///
/// # Errors
/// As the statements.
pub fn fold() -> Result<Folded> {
    if !isolation::is_read_committed() {
        return Ok(Folded::Isolation);
    }
    if !lock::try_acquire(Class::Fold, 0) {
        return Ok(Folded::Busy);
    }
    let moved = meter::writing(|| db::fold::fold(BATCH_ROWS))?;
    Ok(if moved < BATCH_ROWS {
        Folded::Last(moved)
    } else {
        Folded::Full(moved)
    })
}

/// Drops the oldest month of the record that is kept no longer; false where there is none, or somebody
/// is at it, and for an hour after this process found somebody reading it.
///
/// # Errors
/// As the statements.
pub fn drop_month(now: DateTime<Utc>) -> Result<bool> {
    let Some(months) = guc::record_months() else {
        return Ok(false);
    };
    if IN_USE.get().is_some_and(|at| at.elapsed() < PATIENCE) {
        return Ok(false);
    }
    if !isolation::is_read_committed() || !lock::try_acquire(Class::Fold, 0) {
        return Ok(false);
    }
    let Some(month) = db::record::oldest(&Snapshot::latest()?, now, months)? else {
        return Ok(false);
    };
    let dropped = meter::writing(|| db::record::drop_month(&month))?;
    IN_USE.set((!dropped).then(Instant::now));
    Ok(dropped)
}
