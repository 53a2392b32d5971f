//! What fell due: dates become rows, for one customer, one organization, or everywhere.
//!
//! Called before anything is decided for a customer, by the sandbox clock, by the worker and by
//! `owo_worker_tick`. Invariants: idempotent; a late run leaves the same rows as a prompt one; dates
//! rest while the database is not bound (protocol 31).
//!
//! Transactions of the shared engine that counted for a customer before a switch's date, and count again
//! after it, are told of a deadlock (`40P01`) until one is left. Each needs the switch made, which carries
//! the sum of what all of them counted: known when the others have ended, and not before. To go on
//! without it one would have to count on the new meter, where a call that read its clock just before
//! the date, and counts on the old one, sees nothing of it: together they could pass the limit. Or it
//! would have to count as if the date had not come: a plan that is over would go on as long as a
//! transaction does, and other customers of the stripe would decide whether. Tried again the
//! transaction comes after the switch.

use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::entity;
use crate::flow::gift;
use crate::flow::hold;
use crate::flow::life::Life;
use crate::meter;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use crate::db::due::Due;

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
    entity::release_due(context, &customer)?;
    hold::expire(customer_id, until)?;
    gift::expire_due(context, customer_id, until)?;
    let mut life = Life::load(context, &snapshot, customer)?;
    life.advance(until);
    life.save().map(|_| ())
}

/// Enters customers whose usage is to be counted, and settles those whose switch has come to its date:
/// what it carries must be on its new meter first. Of `known` it is known that none has.
///
/// Each is locked once, alone or with other takes, so that several calls that meet a date do not wait
/// for each other.
///
/// # Errors
/// As the statements.
pub fn enter(
    context: &Context,
    customer_ids: Vec<Uuid>,
    known: impl IntoIterator<Item = Uuid>,
) -> Result<()> {
    let mut switching = Vec::new();
    if !customer_ids.is_empty() {
        let view = Snapshot::latest()?;
        switching = db::due::switching(&view, customer_ids.clone(), context.now)?;
    }
    meter::enter_beside(
        switching.iter().copied(),
        customer_ids.into_iter().chain(known),
    );
    for customer_id in switching {
        settle(context, customer_id, context.now)?;
    }
    Ok(())
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
        let found = db::due::of_organization(&Snapshot::latest()?, id, until, batch)?;
        meter::lock_customers(found.iter().map(|one| one.customer_id));
        for one in &found {
            settle(context, one.customer_id, until)?;
        }
        let count = i64::try_from(found.len()).unwrap_or(batch);
        settled = settled.saturating_add(count);
        if count < batch {
            return Ok(settled);
        }
    }
}

/// Customers with a date that has come, everywhere, each by the organization's own clock.
///
/// # Errors
/// As `spi::read`.
pub fn find(caller: &Caller, limit: i64) -> Result<Vec<Due>> {
    db::due::everywhere(&Snapshot::latest()?, caller.at, limit)
}

/// Settles one customer, unless another transaction works on the same ones: then false.
///
/// # Errors
/// As the statements.
pub fn try_settle(caller: &Caller, due: &Due) -> Result<bool> {
    if !meter::try_lock_customer(due.customer_id) {
        return Ok(false);
    }
    let found = db::organization::find_by_id(&Snapshot::latest()?, due.organization_id)?;
    if let Some(organization) = found {
        let context = Context::new(*caller, organization);
        settle(&context, due.customer_id, context.now)?;
    }
    Ok(true)
}

/// When the next date comes in organizations that follow real time.
///
/// # Errors
/// As `spi::read`.
pub fn next_after(at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    db::due::first_after(&Snapshot::latest()?, at)
}
