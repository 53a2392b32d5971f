//! Saved means of payment: listed, added, forgotten (`api.md` 6).
//!
//! Called by `api/money`. Invariants: a card is saved by a checkout of kind `setup` that waits for
//! nothing else; what is removed is gone here at once, and at the provider soon.

use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::Checkout;
use crate::db::customer::Customer;
use crate::db::method::Method;
use crate::error::Result;
use crate::flow::attach::{provider, way};
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::life::CHECKOUT_HOURS;
use crate::flow::outbox::job::Job;
use crate::flow::provider::desk::Desk;
use crate::meter;
use chrono::TimeDelta;
use owostack_domain::ids;
use serde_json::json;
use uuid::Uuid;

/// Currency of later charges where nothing says another one.
const CURRENCY: &str = "USD";

/// The saved methods of a customer, the default first; nobody has none.
///
/// # Errors
/// As the statements.
pub fn list(context: &Context, customer: Option<&str>) -> Result<Vec<Method>> {
    let snapshot = Snapshot::latest()?;
    let found = match customer {
        Some(name) => customer::find(context, &snapshot, name)?,
        None => None,
    };
    match found {
        Some(customer) => db::method::list(&snapshot, customer.id),
        None => Ok(Vec::new()),
    }
}

/// A checkout where the customer saves a card; the one that is open already, if there is one.
///
/// # Errors
/// `23503` unknown customer, `42704` unknown provider, `55000` no account or a provider that saves
/// no cards, `22023` no address to come back to where the provider needs one.
pub fn set_up(
    context: &Context,
    customer: Option<&str>,
    callback_url: Option<String>,
    named: Option<&str>,
) -> Result<Uuid> {
    let customer = customer::require(context, &Snapshot::latest()?, customer)?;
    let provider = provider::choose(context, named, None)?;
    let desk = Desk::require(context, &provider)?;
    if let Some(desk) = &desk {
        desk.demand(desk.capabilities().checkout_card_setup)?;
        way::demand_url(desk, callback_url.as_deref())?;
    }
    customer::lock_living(&customer)?;
    meter::lock_customer(customer.id);
    if let Some(open) = open(context, &customer, &provider)? {
        return Ok(open);
    }
    let snapshot = Snapshot::latest()?;
    let currency = db::method::currency(&snapshot, context.organization.id, customer.id)?;
    let checkout = Checkout {
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        customer_id: customer.id,
        organization_id: context.organization.id,
        kind: "setup".to_owned(),
        status: "open".to_owned(),
        url: None,
        expires_at: context
            .now
            .checked_add_signed(TimeDelta::hours(CHECKOUT_HOURS)),
        subscription_id: None,
        plan_id: None,
        amount: 0,
        currency: Some(currency.unwrap_or_else(|| CURRENCY.to_owned())),
        provider,
        callback_url,
        metadata: json!({}),
        pack: None,
        has_page: true,
    };
    db::checkout::insert(&checkout, context.now)?;
    if let Some(desk) = desk {
        let checkout_id = checkout.id;
        desk.enqueue(Some(customer.id), &Job::OpenCheckout { checkout_id })?;
    }
    Ok(checkout.id)
}

fn open(context: &Context, customer: &Customer, provider: &str) -> Result<Option<Uuid>> {
    let open = db::checkout::open(&Snapshot::latest()?, customer.id)?;
    let waits = |one: &&Checkout| {
        one.kind == "setup"
            && one.subscription_id.is_none()
            && one.provider == provider
            && one.expires_at.is_none_or(|at| at > context.now)
    };
    Ok(open.iter().find(waits).map(|one| one.id))
}

/// Forgets a method; whether the customer had it.
///
/// # Errors
/// `23503` unknown customer.
pub fn remove(context: &Context, customer: Option<&str>, id: Uuid) -> Result<bool> {
    let customer = customer::require(context, &Snapshot::latest()?, customer)?;
    meter::lock_customer(customer.id);
    let methods = db::method::list(&Snapshot::latest()?, customer.id)?;
    let Some(method) = methods.into_iter().find(|one| one.id == id) else {
        return Ok(false);
    };
    forget(context, &method)?;
    db::method::promote(customer.id)?;
    Ok(true)
}

/// Forgets every method of a customer who is deleted; the lock is held.
///
/// # Errors
/// As the statements.
pub fn forget_all(context: &Context, customer_id: Uuid) -> Result<()> {
    for method in db::method::list(&Snapshot::latest()?, customer_id)? {
        forget(context, &method)?;
    }
    Ok(())
}

fn forget(context: &Context, method: &Method) -> Result<()> {
    let customer_id = method.customer_id;
    db::method::delete(customer_id, method.id)?;
    let (Some(account_id), Some(token)) = (method.account_id, method.external_id.clone()) else {
        return Ok(());
    };
    let Some(desk) = Desk::find(context, &method.provider)? else {
        return Ok(());
    };
    let possible = desk.capabilities().remove_method.is_possible();
    if desk.account.id == account_id && possible {
        desk.enqueue(Some(customer_id), &Job::RemoveMethod { customer_id, token })?;
    }
    Ok(())
}
