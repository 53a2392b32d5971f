//! Holds that end without being settled: their time is over, or their customer is erased.

use super::{outlook, posting};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::reservation::Reservation;
use crate::error::Result;
use crate::flow::context::Context;
use crate::meter::{self, Counter};
use chrono::{DateTime, Utc};
use owostack_domain::hold::{given_back, keep_nothing};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use std::collections::HashMap;
use uuid::Uuid;

/// Holds that one step ends at most.
const BATCH_HOLDS: i64 = 1_000;

/// Gives back the holds of a customer whose time is over by `until`, but for those that somebody
/// works on right now; false when there were none.
///
/// The caller has entered the customer.
///
/// # Errors
/// As the statements.
pub fn expire(customer_id: Uuid, until: DateTime<Utc>) -> Result<bool> {
    if !outlook::is_due(customer_id, until)? {
        return Ok(false);
    }
    meter::enter_holds(customer_id);
    let mut any = false;
    loop {
        let holds = db::reservation::lock_open(customer_id, Some(until), BATCH_HOLDS)?;
        if holds.is_empty() {
            return Ok(any);
        }
        any = true;
        give_back(customer_id, &holds)?;
        let ids = holds.iter().map(|hold| hold.id).collect();
        meter::writing(|| db::reservation::close_expired(customer_id, ids))?;
    }
}

/// Releases every open hold of a customer; the caller holds the customer's lock alone.
///
/// # Errors
/// As the statements.
pub fn release_all(context: &Context, customer_id: Uuid) -> Result<()> {
    loop {
        let holds = db::reservation::lock_open(customer_id, None, BATCH_HOLDS)?;
        if holds.is_empty() {
            return Ok(());
        }
        give_back(customer_id, &holds)?;
        for hold in &holds {
            meter::writing(|| db::reservation::close(hold, "released", None, context.now))?;
        }
    }
}

/// Takes back everything that these holds drew.
fn give_back(customer_id: Uuid, holds: &[Reservation]) -> Result<()> {
    let mut changes: HashMap<MeterPeriod, Quantity> = HashMap::new();
    let mut postings = Vec::new();
    for hold in holds {
        let kept = keep_nothing(&hold.lines);
        for (place, amount) in given_back(&hold.lines, &kept) {
            let change = changes.entry(place).or_default();
            *change = Quantity::from_raw(change.raw().saturating_add(amount.raw()));
        }
        postings.extend(posting::closed(hold, &kept));
    }
    if postings.is_empty() {
        return Ok(());
    }
    let places: Vec<MeterPeriod> = changes.keys().copied().collect();
    // Nobody else can have given it back: there is nothing to judge.
    let judge = |_: &meter::Used| Ok(((), changes.iter().map(|(k, v)| (*k, *v)).collect()));
    Counter::default().give_back(&Snapshot::latest()?, customer_id, &places, judge, |_| true)?;
    meter::record(&postings)
}
