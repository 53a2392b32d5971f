//! The table engine: a lock per customer stripe, then the latest snapshot, then rows.
//!
//! Locking rules (protocol 23): one exclusive lock per customer stripe, features share pools and so
//! never have locks of their own; several stripes in ascending order; the snapshot that judges is
//! taken after the last of them. Serial per customer until commit, obviously right, works without
//! preload.

use super::Posting;
use crate::backend::lock::{self, Class, Mode};
use crate::backend::random;
use crate::db;
use crate::db::meter::Pending;
use crate::error::{Error, Result};
use owostack_domain::ids;
use owostack_domain::period::Anchor;
use uuid::Uuid;

/// Waits until this transaction alone counts for the customer.
pub fn lock_customer(customer_id: Uuid) {
    lock::acquire(Class::Customer, lock::stripe(customer_id), Mode::Exclusive);
}

/// The same without waiting; false when another transaction holds the lock.
pub fn try_lock_customer(customer_id: Uuid) -> bool {
    lock::try_acquire(Class::Customer, lock::stripe(customer_id), Mode::Exclusive)
}

/// The same for several customers, without a deadlock between two such calls.
pub fn lock_customers(customer_ids: impl IntoIterator<Item = Uuid>) {
    let mut stripes: Vec<u64> = customer_ids.into_iter().map(lock::stripe).collect();
    stripes.sort_unstable();
    stripes.dedup();
    for stripe in stripes {
        lock::acquire(Class::Customer, stripe, Mode::Exclusive);
    }
}

/// Appends one pending row per posting.
pub fn post(postings: &[Posting]) -> Result<()> {
    let rows: Vec<Pending> = postings.iter().map(pending).collect::<Result<_>>()?;
    let written = db::meter::append(&rows)?;
    if usize::try_from(written).ok() == Some(rows.len()) {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{written} of {} usage rows were written",
        rows.len()
    )))
}

fn pending(posting: &Posting) -> Result<Pending> {
    let key = &posting.key;
    Ok(Pending {
        customer_id: key.customer_id,
        meter_id: key.id(),
        number: posting.period.number,
        quantity: posting.amount,
        units: posting.units,
        feature_id: posting.feature_id,
        id: ids::time_ordered(posting.at, random::ten_bytes()?),
        at: posting.at,
        source_id: key.source.id(),
        subject_id: key.subject.id(),
        anchor_at: match key.anchor {
            Anchor::At(at) => Some(at),
            Anchor::Calendar => None,
        },
        period_start: posting.period.start,
        period_end: posting.period.end,
        origin: key.origin,
        count_number: key.count_number,
        parent_id: key.parent_id(),
        kind: posting.kind,
        source_kind: key.source.kind(),
        cadence: key.cadence.to_string(),
        entity: posting.entity.clone(),
        meter_entity: key.entity.clone(),
        metadata: posting.metadata.clone(),
    })
}
