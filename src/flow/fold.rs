//! One round of the fold, by the worker or by hand.

use crate::backend::isolation;
use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::meter;

/// Rows that one statement of the fold moves at most.
pub const BATCH_ROWS: i64 = 10_000;

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// That many rows were moved.
    Rows(i64),
    /// Another transaction folds.
    Busy,
    /// Above READ COMMITTED the fold rests (protocol 27).
    Isolation,
    /// The database is not bound to this installation (protocol 31).
    Inactive,
}

/// Folds up to `batches` batches of committed rows, making partitions they need.
///
/// # Errors
/// As the statements.
pub fn run(batches: i32) -> Result<Folded> {
    if !isolation::is_read_committed() {
        return Ok(Folded::Isolation);
    }
    if !db::installation::is_active(&Snapshot::latest()?)? {
        return Ok(Folded::Inactive);
    }
    if !lock::try_acquire(Class::Fold, 0, Mode::Exclusive) {
        return Ok(Folded::Busy);
    }
    let mut rows = 0_i64;
    for _ in 0..batches.max(1) {
        for month in db::fold::months_without_partition(&Snapshot::latest()?)? {
            db::fold::create_partition(&month)?;
        }
        let moved = meter::writing(|| db::fold::fold(BATCH_ROWS))?;
        rows = rows.saturating_add(moved);
        if moved < BATCH_ROWS {
            break;
        }
    }
    Ok(Folded::Rows(rows))
}
