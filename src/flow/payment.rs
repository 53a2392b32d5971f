//! Money that is asked for, and money that came by hand.
//!
//! Called by attaches, purchases and checkouts of provider manual. Invariants: a checkout's money by
//! hand is one payment, however often it is reported; a charge and its job are written together.

use crate::backend::random;
use crate::db;
use crate::db::checkout::Checkout;
use crate::db::event::Event;
use crate::db::method::Method;
use crate::db::payment::Payment;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::outbox::job::Job;
use crate::flow::provider::desk::Desk;
use owostack_domain::ids;
use serde_json::json;
use uuid::Uuid;

/// Why a checkout asks for money, as `owo.payment.reason` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The first period of a subscription.
    First,
    /// A change of plan.
    Update,
    /// Something paid once.
    OneOff,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Update => "update",
            Self::OneOff => "one_off",
        }
    }
}

/// A payment for a checkout, that nobody has made yet.
fn for_checkout(context: &Context, checkout: &Checkout, reason: Reason, id: Uuid) -> Payment {
    Payment {
        customer_id: checkout.customer_id,
        id,
        organization_id: context.organization.id,
        account_id: None,
        provider: checkout.provider.clone(),
        status: "pending".to_owned(),
        reason: reason.as_str().to_owned(),
        amount: Some(checkout.amount),
        currency: checkout.currency.clone(),
        subscription_id: checkout.subscription_id,
        checkout_id: Some(checkout.id),
        payment_method_id: None,
        external_id: None,
        paid_at: None,
        metadata: json!({}),
    }
}

/// Charges a saved method for a checkout that has no page.
///
/// # Errors
/// As the statements.
pub fn charge(
    context: &Context,
    desk: &Desk,
    checkout: &Checkout,
    reason: Reason,
    method: &Method,
) -> Result<()> {
    let id = ids::time_ordered(context.now, random::ten_bytes()?);
    let payment = Payment {
        account_id: Some(desk.account.id),
        payment_method_id: Some(method.id),
        ..for_checkout(context, checkout, reason, id)
    };
    db::payment::insert(&payment, context.now)?;
    let job = Job::Charge { payment_id: id };
    desk.enqueue(Some(checkout.customer_id), &job).map(|_| ())
}

/// Writes down that a checkout of provider manual was paid, and tells so.
///
/// # Errors
/// As the statements.
pub fn by_hand(
    context: &Context,
    checkout: &Checkout,
    reason: Reason,
    reference: Option<&str>,
) -> Result<()> {
    if checkout.amount == 0 || checkout.currency.is_none() {
        return Ok(());
    }
    let id = ids::derived(checkout.id, "payment");
    let payment = Payment {
        status: "succeeded".to_owned(),
        external_id: reference.map(str::to_owned),
        paid_at: Some(context.now),
        ..for_checkout(context, checkout, reason, id)
    };
    db::payment::insert(&payment, context.now)?;
    db::event::append(&Event {
        kind: "payment.succeeded",
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: checkout.customer_id,
        at: context.now,
        data: json!({
            "payment_id": id,
            "reason": payment.reason,
            "amount": payment.amount,
            "currency": payment.currency,
            "subscription_id": payment.subscription_id,
            "checkout_id": checkout.id,
        }),
    })
}
