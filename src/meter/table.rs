//! The table engine: a lock per customer stripe, then the latest snapshot, then rows.
//!
//! Locking rules (protocol 23): one exclusive lock per customer stripe, features share pools and so
//! never have locks of their own; several stripes in ascending order; the snapshot that judges is
//! taken after the last of them. Serial per customer until commit, obviously right, works without
//! preload.

use super::{Posting, Used};
use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::pending::Pending;
use crate::error::{Error, Result};
use chrono::DateTime;
use owostack_domain::ids;
use owostack_domain::meter_key::{MeterKey, MeterPeriod};
use owostack_domain::period::{Anchor, Period};
use owostack_domain::quantity::Quantity;
use uuid::Uuid;

/// What is used of each place at the snapshot: folded and pending.
pub fn used(snapshot: &Snapshot, customer_id: Uuid, places: &[MeterPeriod]) -> Result<Used> {
    let pairs: Vec<(Uuid, i64)> = places.iter().map(|p| (p.meter_id, p.number)).collect();
    let sums = db::meter::used(snapshot, customer_id, &pairs)?;
    Ok(places.iter().copied().zip(sums).collect())
}

/// Appends one pending row per posting.
pub fn post(postings: &[Posting]) -> Result<()> {
    let rows: Vec<Pending> = postings.iter().map(pending).collect::<Result<_>>()?;
    let written = db::pending::append(&rows)?;
    if usize::try_from(written).ok() == Some(rows.len()) {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{written} of {} usage rows were written",
        rows.len()
    )))
}

/// The row that records a posting.
///
/// # Errors
/// When the operating system has no randomness to give.
fn pending(posting: &Posting) -> Result<Pending> {
    Ok(Pending {
        quantity: posting.amount,
        units: posting.units,
        feature_id: posting.feature_id,
        id: ids::time_ordered(posting.at, random::ten_bytes()?),
        at: posting.at,
        kind: posting.kind,
        entity: posting.entity.clone(),
        metadata: posting.metadata.clone(),
        ..blank(&posting.key, posting.key.id(), &posting.period)
    })
}

/// A row of the meter with that key and id, in one of its periods; nothing is drawn yet.
pub fn blank(key: &MeterKey, meter_id: Uuid, period: &Period) -> Pending {
    Pending {
        customer_id: key.customer_id,
        meter_id,
        number: period.number,
        quantity: Quantity::ZERO,
        units: Quantity::ZERO,
        feature_id: Uuid::nil(),
        id: Uuid::nil(),
        at: DateTime::UNIX_EPOCH,
        source_id: key.source.id(),
        subject_id: key.subject.id(),
        anchor_at: match key.anchor {
            Anchor::At(at) => Some(at),
            Anchor::Calendar => None,
        },
        period_start: period.start,
        period_end: period.end,
        origin: key.origin,
        count_number: key.count_number,
        parent_id: key.parent_id(),
        kind: "",
        source_kind: key.source.kind(),
        cadence: key.cadence.to_string(),
        entity: None,
        meter_entity: key.entity.clone(),
        metadata: None,
    }
}
