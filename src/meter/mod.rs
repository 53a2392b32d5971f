//! Takes, returns and what is used: the small safe face over the counting engine.
//!
//! Called by `flow/` only. Invariants (protocol 5, 17, 23, 28): a customer's lock is held from before
//! the usage is read until the transaction ends, so what was judged is still true when it is
//! written; rows that count are written here and by the fold alone.

mod table;

use crate::backend::spi::Snapshot;
use crate::backend::wake;
use crate::db;
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::meter_key::{MeterKey, MeterPeriod};
use owostack_domain::period::Period;
use owostack_domain::quantity::Quantity;
use serde_json::Value;
use std::cell::Cell;
use std::collections::HashMap;
use uuid::Uuid;

pub use table::{lock_customer, lock_customers, try_lock_customer};

thread_local! {
    /// Depth of running writes; the guard triggers let rows pass while it is above zero.
    static WRITING: Cell<u32> = const { Cell::new(0) };
}

/// One amount drawn from, or given back to, one meter.
#[derive(Debug, Clone)]
pub struct Posting {
    pub key: MeterKey,
    pub period: Period,
    /// In units of the meter; negative gives back.
    pub amount: Quantity,
    /// In units of the feature.
    pub units: Quantity,
    pub feature_id: Uuid,
    /// What the record says it was drawn from.
    pub kind: &'static str,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The entity that the usage is tagged with.
    pub entity: Option<String>,
    pub metadata: Option<Value>,
}

/// Whether the running statement is one of ours.
pub fn is_writing() -> bool {
    WRITING.get() > 0
}

struct Writing;

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(WRITING.get().saturating_sub(1));
    }
}

/// Runs statements on counted tables that the guard triggers let pass.
///
/// # Errors
/// What `body` returns.
pub fn writing<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    WRITING.set(WRITING.get().saturating_add(1));
    let _writing = Writing;
    body()
}

/// What is used of each meter and period, folded and pending, at `snapshot`.
///
/// # Errors
/// As the statements.
pub fn used(
    snapshot: &Snapshot,
    customer_id: Uuid,
    meters: &[MeterPeriod],
) -> Result<HashMap<MeterPeriod, Quantity>> {
    let pairs: Vec<(Uuid, i64)> = meters
        .iter()
        .map(|meter| (meter.meter_id, meter.number))
        .collect();
    let sums = db::meter::used(snapshot, customer_id, &pairs)?;
    Ok(meters.iter().copied().zip(sums).collect())
}

/// Records postings of customers whose lock this transaction holds.
///
/// # Errors
/// When a row was swallowed by somebody's trigger or rule.
pub fn post(postings: &[Posting]) -> Result<()> {
    wake::note();
    writing(|| table::post(postings))
}
