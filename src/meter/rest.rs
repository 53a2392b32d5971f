//! Taking everything that is left of a meter in one step (protocol 18).
//!
//! Called by `flow/gift` when a grant is closed. Invariant: what is answered is what was taken, so a
//! refund of it can never be for units that somebody else has drawn. The customer's lock is held
//! alone: with it nothing of the customer is open, so nothing can come back to the meter afterwards.
//! Deliberately absent: why.

use super::{Counter, Posting, Used, lock_customer, record};
use crate::backend::spi::Snapshot;
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::meter_key::MeterKey;
use owostack_domain::period::Period;
use owostack_domain::quantity::Quantity;

/// A meter whose rest is to be taken.
#[derive(Debug, Clone)]
pub struct Rest {
    pub key: MeterKey,
    pub period: Period,
    /// What the meter allows in all.
    pub limit: Quantity,
    /// What the record calls it.
    pub kind: &'static str,
    pub at: DateTime<Utc>,
}

/// Takes what is left and records it, in units of the meter and none of any feature.
///
/// # Errors
/// As the statements; `53400` when open transactions fill the shared memory.
pub fn take_rest(rest: Rest) -> Result<Quantity> {
    let customer_id = rest.key.customer_id;
    lock_customer(customer_id);
    let place = rest.key.in_period(rest.period.number);
    let judge = |used: &Used| {
        let used = used.get(&place).copied().unwrap_or_default();
        let left = rest.limit.saturating_sub_to_zero(used);
        let change = left.is_positive().then_some((place, left));
        Ok((left, change.into_iter().collect()))
    };
    let left = Counter::default().take(&Snapshot::latest()?, customer_id, &[place], judge)?;
    if left.is_positive() {
        record(&[Posting {
            // The record needs a feature; the system stands for those that it pays for.
            feature_id: rest.key.subject.id(),
            key: rest.key,
            period: rest.period,
            amount: left,
            units: Quantity::ZERO,
            kind: rest.kind,
            at: rest.at,
            entity: None,
            metadata: None,
        }])?;
    }
    Ok(left)
}
