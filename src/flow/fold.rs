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

/// Rows that one statement of the fold moves at most.
const BATCH_ROWS: i64 = 10_000;

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
/// is at it.
///
/// # Errors
/// As the statements.
pub fn drop_month(now: DateTime<Utc>) -> Result<bool> {
    let Some(months) = guc::record_months() else {
        return Ok(false);
    };
    if !isolation::is_read_committed() || !lock::try_acquire(Class::Fold, 0) {
        return Ok(false);
    }
    match db::record::oldest(&Snapshot::latest()?, now, months)? {
        Some(month) => meter::writing(|| db::record::drop_month(&month)),
        None => Ok(false),
    }
}
