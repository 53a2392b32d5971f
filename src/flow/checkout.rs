//! Checkouts of provider manual: completed or failed by hand.
//!
//! Called by `api/attach`. Invariants: one checkout has one effect, however often it is reported;
//! completion ends the replaced plan in the same transaction; what ended never comes back.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::Checkout;
use crate::error::{Error, Result};
use crate::flow::attach;
use crate::flow::context::Context;
use crate::flow::life::Life;
use crate::flow::payment::{self, Reason};
use crate::flow::purchase;
use crate::flow::text;
use crate::meter;
use owostack_domain::entitlement::facts::{Status, Subscription};
use owostack_domain::subscription::open::{Opening, trial_end};
use owostack_domain::subscription::state::Event;
use owostack_domain::subscription::step::Change;
use owostack_domain::switch::{Kind, Terms, classify, origin};
use uuid::Uuid;

/// The checkout with that id in the organization.
///
/// # Errors
/// `42704` when there is none.
pub fn require(context: &Context, snapshot: &Snapshot, id: Uuid) -> Result<Checkout> {
    let found = db::checkout::find(snapshot, context.organization.id, id)?;
    found.ok_or_else(|| Error::undefined(format!("checkout {id} does not exist")))
}

/// The customer paid, or gave a card: the subscription begins, or the pack's credits are there.
///
/// # Errors
/// `42704` unknown, `23514` when it failed or expired before.
pub fn complete(context: &Context, id: Uuid, reference: Option<&str>) -> Result<()> {
    let reference = bounded("reference", reference, text::KEY_LENGTH)?;
    let Some((mut life, checkout)) = take(context, id, "completed")? else {
        return Ok(());
    };
    if checkout.kind == "pack" {
        purchase::fulfil(context, &life.customer, &checkout)?;
        payment::by_hand(context, &checkout, Reason::OneOff, reference)?;
        life.close(&checkout, "completed", reference, None, context.now)?;
        return life.save().map(|_| ());
    }
    if checkout.kind == "setup" && checkout.subscription_id.is_none() {
        save_method(&mut life, reference)?;
        life.close(&checkout, "completed", reference, None, context.now)?;
        return life.save().map(|_| ());
    }
    let waiting = checkout
        .subscription_id
        .and_then(|id| life.find(id))
        .cloned();
    let waiting = waiting
        .filter(|row| row.status == Status::Incomplete)
        .ok_or_else(|| {
            Error::forbidden(format!(
                "the subscription of checkout {id} does not wait any more"
            ))
        })?;
    if checkout.kind == "setup" {
        save_method(&mut life, reference)?;
    }
    let why = reason(&life, &waiting);
    begin(&mut life, &waiting, &checkout)?;
    payment::by_hand(context, &checkout, why, reference)?;
    life.close(&checkout, "completed", reference, None, context.now)?;
    life.save().map(|_| ())
}

/// The customer did not pay: what waited ends.
///
/// # Errors
/// `42704` unknown, `23514` when it was completed or expired before.
pub fn fail(context: &Context, id: Uuid, reason: Option<&str>) -> Result<()> {
    let reason = bounded("reason", reason, text::NAME_LENGTH)?;
    let Some((mut life, checkout)) = take(context, id, "failed")? else {
        return Ok(());
    };
    if let Some(row) = checkout.subscription_id {
        life.apply(row, Event::CheckoutFailed)?;
        life.note(row, Change::Expired);
    }
    life.close(&checkout, "failed", None, reason, context.now)?;
    life.save().map(|_| ())
}

fn bounded<'a>(name: &str, text: Option<&'a str>, length: usize) -> Result<Option<&'a str>> {
    text.map(|text| text::bounded(name, text, length))
        .transpose()
}

/// The open checkout under its customer's lock; `None` when it has that status already.
fn take<'a>(context: &'a Context, id: Uuid, wanted: &str) -> Result<Option<(Life<'a>, Checkout)>> {
    let found = require(context, &Snapshot::latest()?, id)?;
    if found.provider != "manual" {
        return Err(Error::forbidden(format!(
            "checkout {id} belongs to provider \"{}\"",
            found.provider
        ))
        .hint("Its outcome arrives by webhook."));
    }
    meter::lock_customer(found.customer_id);
    let snapshot = Snapshot::latest()?;
    let checkout = require(context, &snapshot, id)?;
    let is_over = checkout.expires_at.is_some_and(|at| at <= context.now);
    let status = match checkout.status.as_str() {
        "open" if is_over => "expired",
        status => status,
    };
    if status == wanted {
        return Ok(None);
    }
    if status != "open" {
        let again = match checkout.kind.as_str() {
            "pack" => "Buy the pack again with owo_addon().",
            _ => "Attach the plan again with owo_attach().",
        };
        return Err(Error::forbidden(format!("checkout {id} is {status}")).hint(again));
    }
    let found = db::customer::find(&snapshot, vec![checkout.customer_id])?.pop();
    let customer = found.ok_or_else(|| Error::internal("a checkout without customer"))?;
    let mut life = Life::load(context, &snapshot, customer)?;
    life.advance(context.now);
    Ok(Some((life, checkout)))
}

fn save_method(life: &mut Life, reference: Option<&str>) -> Result<()> {
    let method = life.new_id()?;
    db::subscription::insert_manual_method(life.customer.id, method, reference, life.now())?;
    life.facts.has_payment_method = true;
    Ok(())
}

/// Begins what waited, in place of the group's live plan.
///
/// # Errors
/// `23514` when a trial was asked for and the customer has had one.
pub fn begin(life: &mut Life, waiting: &Subscription, checkout: &Checkout) -> Result<()> {
    let terms = Terms::of_subscription(waiting);
    let paid = checkout.amount > 0 && is_upgrade(life, &terms);
    let trial_ends_at = match checkout.kind.as_str() {
        "setup" => trial_of(life, waiting)?,
        _ => None,
    };
    let opening = Opening {
        id: waiting.id,
        terms: &terms,
        origin: origin(&life.facts, &terms, paid),
        trial_ends_at,
        at: life.now(),
    };
    let row = opening.open(&life.facts);
    let replaces = life
        .facts
        .live_base(terms.group_id)
        .filter(|_| terms.base)
        .map(|one| one.id);
    attach::begin(life, row, replaces, None)?;
    if let Some(from) = replaces.filter(|_| !checkout.has_page) {
        life.take_over(from, waiting.id);
    }
    Ok(())
}

/// The trial runs from the moment that the card is there.
fn trial_of(life: &Life, waiting: &Subscription) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
    let snapshot = Snapshot::latest()?;
    if db::subscription::trial_used(&snapshot, life.customer.id, waiting.group_id)? {
        return Err(Error::forbidden(
            "the customer has had a trial in this plan group",
        ));
    }
    let days = life.plan_of(waiting.id).map_or(0, |plan| plan.trial_days);
    let end = trial_end(days, life.facts.zone, life.now());
    // The plan may have lost its trial meanwhile: what was promised holds.
    Ok(end.or(waiting.trial_ends_at))
}

/// Why a checkout asks for the money of what waits.
fn reason(life: &Life, waiting: &Subscription) -> Reason {
    let from = life
        .facts
        .live_base(waiting.group_id)
        .filter(|_| waiting.base);
    match from {
        _ if waiting.one_time => Reason::OneOff,
        Some(from) if from.price > 0 => Reason::Update,
        _ => Reason::First,
    }
}

/// Whether the terms are more than what the customer has in their group.
pub fn is_upgrade(life: &Life, terms: &Terms) -> bool {
    let Some(current) = life.facts.live_base(terms.group_id).filter(|_| terms.base) else {
        return false;
    };
    let rank = |id: Uuid| life.facts.plans.get(&id).and_then(|plan| plan.rank);
    let kind = classify(current, rank(current.plan_id), terms, rank(terms.plan_id));
    kind == Ok(Kind::Upgrade)
}
