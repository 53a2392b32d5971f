//! Money that goes back (`api.md` 6).
//!
//! Called by `api/money`. Invariants: what goes back of a payment, and what is on its way, never
//! passes what was paid, also under concurrent calls, since the customer's lock is held; with the
//! whole price of a credit pack its unspent credits go at once, so that nobody spends them meanwhile.

use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::event::Event;
use crate::db::payment::Payment;
use crate::db::refund::Refund;
use crate::error::{Error, Result};
use crate::flow::attach::provider::MANUAL;
use crate::flow::context::Context;
use crate::flow::idempotency;
use crate::flow::outbox::job::Job;
use crate::flow::provider::desk::Desk;
use crate::flow::reversal;
use crate::flow::text;
use crate::meter;
use owostack_domain::ids;
use serde_json::{Value, json};
use uuid::Uuid;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub payment_id: Uuid,
    /// None: all that is left.
    pub amount: Option<i64>,
    pub reason: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}

impl Wish<'_> {
    fn request(&self) -> Value {
        json!({
            "call": "refund",
            "payment": self.payment_id,
            "amount": self.amount,
        })
    }
}

/// Gives money back, once per idempotency key; the customer's id, for the payment's row.
///
/// # Errors
/// `42704` unknown payment, `23514` when nothing was paid or less is left, `22023` bad amount,
/// `55000` when the account is not there or its provider cannot do it, `23505` key used otherwise.
pub fn give_back(context: &Context, wish: &Wish) -> Result<Uuid> {
    if let Some(reason) = wish.reason {
        text::bounded("reason", reason, text::NAME_LENGTH)?;
    }
    if wish.amount.is_some_and(|amount| amount <= 0) {
        return Err(Error::invalid("the amount of a refund must be positive"));
    }
    let customer_id = require(context, wish.payment_id)?.customer_id;
    if let Some(key) = wish.idempotency_key {
        idempotency::check(key)?;
        idempotency::lock_key(customer_id, key);
        let snapshot = Snapshot::latest()?;
        let asked = wish.request();
        if idempotency::replay(context, &snapshot, customer_id, key, &asked)?.is_some() {
            return Ok(customer_id);
        }
    }
    meter::lock_customer(customer_id);
    let refund = begin(context, &require(context, wish.payment_id)?, wish)?;
    if let Some(key) = wish.idempotency_key {
        let result = json!({"refund_id": refund});
        idempotency::store(context, customer_id, key, &wish.request(), &result)?;
    }
    Ok(customer_id)
}

fn require(context: &Context, id: Uuid) -> Result<Payment> {
    let found = db::payment::find(&Snapshot::latest()?, context.organization.id, id)?;
    found.ok_or_else(|| Error::undefined(format!("payment {id} does not exist")))
}

fn begin(context: &Context, payment: &Payment, wish: &Wish) -> Result<Uuid> {
    let id = payment.id;
    let paid = match (payment.status.as_str(), payment.amount, &payment.currency) {
        ("succeeded", Some(amount), Some(currency)) => (amount, currency.clone()),
        (status, ..) => {
            let message = format!("payment {id} is {status}");
            return Err(Error::forbidden(message).hint("Only money that came can go back."));
        }
    };
    let gone = db::refund::sum_of(&Snapshot::latest()?, id)?;
    let left = paid.0.saturating_sub(gone);
    let amount = wish.amount.unwrap_or(left);
    if amount > left || left == 0 {
        return Err(Error::forbidden(format!(
            "refund of {amount} is above what is left of payment {id}, which is {left}"
        )));
    }
    let desk = desk(context, payment)?;
    if let Some(desk) = desk.as_ref().filter(|_| amount < paid.0) {
        desk.demand(desk.capabilities().refund_part)?;
    }
    let refund = Refund {
        customer_id: payment.customer_id,
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        organization_id: payment.organization_id,
        payment_id: id,
        status: match desk {
            Some(_) => "pending".to_owned(),
            None => "succeeded".to_owned(),
        },
        amount,
        currency: paid.1,
        reason: wish.reason.map(str::to_owned),
    };
    db::refund::insert(&refund, context.now)?;
    reversal::follow(context, id, Some(refund.id))?;
    match desk {
        Some(desk) => {
            let refund_id = refund.id;
            desk.enqueue(Some(payment.customer_id), &Job::Refund { refund_id })?;
        }
        None => settle(context, &refund)?,
    }
    Ok(refund.id)
}

/// The account that has the money; None for provider manual.
fn desk(context: &Context, payment: &Payment) -> Result<Option<Desk>> {
    if payment.provider == MANUAL {
        return Ok(None);
    }
    let found = Desk::find(context, &payment.provider)?;
    let found = found.filter(|desk| Some(desk.account.id) == payment.account_id);
    let error = || {
        Error::wrong_state(format!(
            "the account at \"{}\" that payment {} was made to does not act any more",
            payment.provider, payment.id
        ))
        .hint("Give the money back at the provider; its webhook tells of it.")
    };
    found.map(Some).ok_or_else(error)
}

/// Money by hand has gone back with the call.
fn settle(context: &Context, refund: &Refund) -> Result<()> {
    db::refund::recount(refund.customer_id, refund.payment_id, context.now)?;
    db::event::append(&Event {
        kind: "payment.refunded",
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: refund.customer_id,
        at: context.now,
        data: json!({
            "payment_id": refund.payment_id,
            "refund_id": refund.id,
            "amount": refund.amount,
            "currency": refund.currency,
            "reason": refund.reason,
        }),
    })
}
