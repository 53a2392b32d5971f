//! Deleting a customer (`api.md` 3): everything ends, what is personal goes, sums stay.
//!
//! Called by `api/customer`. Invariants: the row stays as a tombstone, so that its id and key never
//! come back to life; what is in flight for the customer is awaited, so that nothing personal is
//! written behind our back; the books still prove themselves. Locks: profile, customer, entities.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::error::Result;
use crate::flow::command;
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::due;
use crate::flow::gift;
use crate::flow::hold;
use crate::flow::text;
use crate::meter;

/// Ends what the customer has, which is holds, subscriptions, checkouts, credits and entities, and
/// erases personal fields.
///
/// # Errors
/// `22023` when the reason is too long, `23503` when somebody else was faster.
pub fn delete(context: &Context, customer: &Customer, reason: Option<&str>) -> Result<()> {
    if let Some(reason) = reason {
        text::bounded("reason", reason, text::NAME_LENGTH)?;
    }
    customer::lock_living(customer)?;
    meter::lock_customer(customer.id);
    meter::enter_entities([customer.id]);
    due::settle(context, customer.id, context.now)?;
    hold::release_all(context, customer.id)?;
    command::leave(context, customer)?;
    gift::void_all(context, customer.id)?;
    db::credit::erase(customer.id)?;
    for entity in db::entity::list(&Snapshot::latest()?, customer.id, None)? {
        meter::writing(|| db::entity::delete(&entity))?;
    }
    meter::writing(|| db::customer::erase(customer.id, reason, context.now))
}
