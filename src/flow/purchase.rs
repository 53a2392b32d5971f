//! Credit packs: bought through a checkout, or taken at once when they cost nothing (`api.md` 6).
//!
//! Called by `api/credit`, and by `flow/checkout` when a pack was paid. Invariants: one purchase
//! gives one grant, however often its payment is reported; credits, price, currency and life are
//! those of the moment of the purchase. Currencies never mix: each checkout is in its pack's own, and
//! credits of packs in several currencies lie in one pool, since credits have none.

use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::{Checkout, PackSold};
use crate::db::credit::NewGrant;
use crate::db::credit_pack::Pack;
use crate::db::customer::Customer;
use crate::error::{Error, Result};
use crate::flow::attach::{provider, way};
use crate::flow::context::Context;
use crate::flow::credit;
use crate::flow::customer;
use crate::flow::gift;
use crate::flow::idempotency;
use crate::flow::life::CHECKOUT_HOURS;
use crate::flow::outbox::job::Job;
use crate::flow::payment::{self, Reason};
use crate::flow::provider::desk::Desk;
use crate::meter;
use chrono::{DateTime, TimeDelta, Utc};
use owostack_domain::ids;
use owostack_domain::period::Tz;
use owostack_domain::quantity::Quantity;
use owostack_domain::span::parse_span;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// What is asked for; texts are bounded.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    pub customer: Option<&'a str>,
    pub pack: &'a str,
    pub quantity: i32,
    pub callback_url: Option<String>,
    pub provider: Option<&'a str>,
    pub metadata: Option<Value>,
    pub idempotency_key: Option<&'a str>,
}

impl Order<'_> {
    fn request(&self) -> Value {
        json!({
            "call": "addon",
            "pack": self.pack,
            "quantity": self.quantity,
            "provider": self.provider,
        })
    }
}

/// The fields of `owo_purchase`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Purchase {
    pub success: bool,
    pub requires_checkout: bool,
    pub checkout_id: Option<Uuid>,
    pub checkout_url: Option<String>,
    /// What the pack gives, or has given.
    pub credits: Quantity,
    /// What can be spent of the system now; None: without bound.
    pub balance: Option<Quantity>,
    /// The checkout, or the grant where none was needed.
    pub reference: String,
}

/// Buys a pack once per idempotency key.
///
/// # Errors
/// `42704` unknown pack or provider, `23503` unknown customer, `23514` not for sale, `22023` bad
/// quantity, `22003` too much at once, `55000` no account at the provider, `23505` key used otherwise.
pub fn buy(context: &Context, order: &Order) -> Result<Purchase> {
    let snapshot = Snapshot::latest()?;
    let pack = db::credit_pack::pack(&snapshot, context.organization.id, order.pack)?;
    let pack = pack.ok_or_else(|| {
        Error::undefined(format!("credit pack \"{}\" does not exist", order.pack))
            .hint("Credit packs are listed by owo_catalog() and created by owo_sync().")
    })?;
    let customer = customer::require(context, &snapshot, order.customer)?;
    if order.quantity < 1 {
        return Err(Error::invalid(format!(
            "quantity is {}, at least 1 is needed",
            order.quantity
        )));
    }
    let Some(key) = order.idempotency_key else {
        return begin(context, &customer, &pack, order);
    };
    idempotency::check(key)?;
    idempotency::lock_key(customer.id, key);
    let snapshot = Snapshot::latest()?;
    let stored = idempotency::replay(context, &snapshot, customer.id, key, &order.request())?;
    if let Some(stored) = stored {
        return serde_json::from_value(stored)
            .map_err(|_| Error::internal("the purchase stored under an idempotency key"));
    }
    let purchase = begin(context, &customer, &pack, order)?;
    let result = json!(purchase);
    idempotency::store(context, customer.id, key, &order.request(), &result)?;
    Ok(purchase)
}

fn begin(context: &Context, customer: &Customer, pack: &Pack, order: &Order) -> Result<Purchase> {
    if !pack.active {
        return Err(Error::forbidden(format!(
            "credit pack \"{}\" is not for sale",
            pack.slug
        )));
    }
    let provider = provider::choose(context, order.provider, pack.provider.as_deref())?;
    let (sold, amount) = sell(pack, order.quantity)?;
    customer::lock_living(customer)?;
    meter::lock_customer(customer.id);
    let credits = sold.credits;
    let (page, reference) = if amount == 0 {
        let grant = NewGrant {
            metadata: order.metadata.clone().unwrap_or_else(|| json!({})),
            ..granted(context, customer.id, &sold, zone(context, customer))?
        };
        gift::write(context, &grant)?;
        (None, grant.id)
    } else {
        let desk = Desk::require(context, &provider)?;
        let checkout = Checkout {
            amount,
            currency: pack.currency.clone(),
            provider,
            callback_url: order.callback_url.clone(),
            metadata: order.metadata.clone().unwrap_or_else(|| json!({})),
            ..checkout(context, customer.id, sold)?
        };
        let has_page = collect(context, desk.as_ref(), checkout.clone())?;
        (has_page.then_some(checkout.id), checkout.id)
    };
    Ok(Purchase {
        success: true,
        requires_checkout: page.is_some(),
        checkout_id: page,
        checkout_url: None,
        credits,
        balance: credit::balance(context, customer, pack.credit_system_id)?,
        reference: reference.to_string(),
    })
}

/// Asks for the money: of the saved method at once, else on a page; whether there is one.
fn collect(context: &Context, desk: Option<&Desk>, checkout: Checkout) -> Result<bool> {
    let Some(desk) = desk else {
        db::checkout::insert(&checkout, context.now)?;
        return Ok(true);
    };
    let customer_id = checkout.customer_id;
    let method = match desk.capabilities().charge.is_possible() {
        true => desk.method(&Snapshot::latest()?, customer_id)?,
        false => None,
    };
    let checkout = Checkout {
        has_page: method.is_none(),
        ..checkout
    };
    if let Some(method) = method {
        db::checkout::insert(&checkout, context.now)?;
        payment::charge(context, desk, &checkout, Reason::OneOff, &method)?;
        return Ok(false);
    }
    desk.demand(desk.capabilities().checkout_one_time)?;
    way::demand_url(desk, checkout.callback_url.as_deref())?;
    db::checkout::insert(&checkout, context.now)?;
    let checkout_id = checkout.id;
    desk.enqueue(Some(customer_id), &Job::OpenCheckout { checkout_id })?;
    Ok(true)
}

fn zone(context: &Context, customer: &Customer) -> Tz {
    db::facts::zone(&context.organization, Some(customer))
}

/// What that many packs give, and what they cost.
fn sell(pack: &Pack, quantity: i32) -> Result<(PackSold, i64)> {
    let too_much = || {
        Error::out_of_range(format!(
            "{quantity} of credit pack \"{}\" are too much at once",
            pack.slug
        ))
    };
    let credits = pack
        .credits
        .mul_ceil(Quantity::from_int(quantity.into()))
        .filter(|credits| credits.is_in_range())
        .ok_or_else(too_much)?;
    let amount = pack
        .price
        .checked_mul(quantity.into())
        .ok_or_else(too_much)?;
    let sold = PackSold {
        pack_id: pack.id,
        credit_system_id: pack.credit_system_id,
        credits,
        quantity,
        expire_after: pack.expires_after.clone(),
    };
    Ok((sold, amount))
}

/// A free checkout of provider manual for what is sold.
fn checkout(context: &Context, customer_id: Uuid, sold: PackSold) -> Result<Checkout> {
    Ok(Checkout {
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        customer_id,
        organization_id: context.organization.id,
        kind: "pack".to_owned(),
        status: "open".to_owned(),
        url: None,
        expires_at: context
            .now
            .checked_add_signed(TimeDelta::hours(CHECKOUT_HOURS)),
        subscription_id: None,
        plan_id: None,
        amount: 0,
        currency: None,
        provider: provider::MANUAL.to_owned(),
        callback_url: None,
        metadata: json!({}),
        pack: Some(sold),
        has_page: true,
    })
}

/// The grant of what was sold, from now on.
fn granted(
    context: &Context,
    customer_id: Uuid,
    sold: &PackSold,
    zone: Tz,
) -> Result<NewGrant<'static>> {
    Ok(NewGrant {
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        customer_id,
        organization_id: context.organization.id,
        credit_system_id: sold.credit_system_id,
        amount: sold.credits,
        expires_at: expiry(sold, context.now, zone)?,
        priority: gift::PRIORITY,
        reason: None,
        pack_id: Some(sold.pack_id),
        checkout_id: None,
        metadata: json!({}),
        created_at: context.now,
    })
}

fn expiry(sold: &PackSold, now: DateTime<Utc>, zone: Tz) -> Result<Option<DateTime<Utc>>> {
    let Some(text) = &sold.expire_after else {
        return Ok(None);
    };
    let span = parse_span(text).map_err(|_| Error::internal(format!("span \"{text}\"")))?;
    let end = span.after(now, zone);
    end.map(Some)
        .ok_or_else(|| Error::out_of_range("the credits would expire beyond the calendar"))
}

/// Gives what a paid checkout sold; the customer's lock is held and the checkout is open.
///
/// # Errors
/// As the statements.
pub fn fulfil(context: &Context, customer: &Customer, checkout: &Checkout) -> Result<()> {
    let sold = checkout.pack.as_ref();
    let sold = sold.ok_or_else(|| Error::internal("a checkout that sells nothing"))?;
    let grant = NewGrant {
        // The last word on "one purchase, one grant" is the primary key.
        id: ids::derived(checkout.id, "grant"),
        checkout_id: Some(checkout.id),
        metadata: checkout.metadata.clone(),
        ..granted(context, customer.id, sold, zone(context, customer))?
    };
    gift::write(context, &grant)
}
