//! What fell due: dates become rows, for one customer, one organization, or everywhere.
//!
//! Called before anything is decided for a customer, by the sandbox clock, by the worker and by
//! `owo_worker_tick`. Invariants: idempotent; a late run leaves the same rows as a prompt one; dates
//! rest while the database is not bound (protocol 31).

use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::life::Life;
use crate::meter;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Customers that one statement looks up at most.
const BATCH_CUSTOMERS: i64 = 1_000;

/// Makes rows of everything that is due for a customer; the caller holds the customer's lock.
///
/// # Errors
/// As the statements.
pub fn settle(context: &Context, customer_id: Uuid, until: DateTime<Utc>) -> Result<()> {
    let snapshot = Snapshot::latest()?;
    let Some(customer) = db::customer::find(&snapshot, vec![customer_id])?.pop() else {
        return Ok(());
    };
    let mut life = Life::load(context, &snapshot, customer)?;
    life.advance(until);
    life.save().map(|_| ())
}

/// Settles the customers of the context's organization that have something due by `until`.
///
/// Customers are locked in order of their stripes and settled in order of their dates. Returns how
/// many there were.
///
/// # Errors
/// As the statements.
pub fn settle_organization(
    context: &Context,
    until: DateTime<Utc>,
    limit: Option<i64>,
) -> Result<i64> {
    let mut settled = 0_i64;
    loop {
        let left = limit.map_or(BATCH_CUSTOMERS, |limit| limit.saturating_sub(settled));
        let batch = left.min(BATCH_CUSTOMERS);
        if batch <= 0 {
            return Ok(settled);
        }
        let id = context.organization.id;
        let found = db::due::customers(&Snapshot::latest()?, id, until, batch)?;
        meter::lock_customers(found.iter().copied());
        for customer_id in &found {
            settle(context, *customer_id, until)?;
        }
        let count = i64::try_from(found.len()).unwrap_or(batch);
        settled = settled.saturating_add(count);
        if count < batch {
            return Ok(settled);
        }
    }
}

/// Settles every organization by its own clock, at most `limit` customers in all.
///
/// # Errors
/// As the statements.
pub fn settle_all(caller: &Caller, limit: i64) -> Result<i64> {
    if !db::installation::is_active(&Snapshot::latest()?)? {
        return Ok(0);
    }
    let mut settled = 0_i64;
    let organizations = db::due::organizations(&Snapshot::latest()?, caller.at)?;
    for id in organizations {
        let found = db::organization::find_by_id(&Snapshot::latest()?, id)?;
        let Some(organization) = found else { continue };
        let context = Context::new(*caller, organization);
        let left = limit.saturating_sub(settled);
        let count = settle_organization(&context, context.now, Some(left))?;
        settled = settled.saturating_add(count);
    }
    Ok(settled)
}
