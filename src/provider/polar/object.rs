//! Polar's objects in our words, from answers and webhooks alike.

use serde_json::{Value, json};

use super::{plan, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{flag, int, iso, owned, small, text};
use crate::object::{
    Checkout, CheckoutStatus, Customer, Method, MoneyStatus, Object, ObjectKind, ObjectRef,
    Payment, PendingChange, Period, Reason, Refund, Snapshot, Status,
};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;
use crate::tag::{Tag, Tags};

/// The request for an object as it is now.
pub(super) fn fetch_request(call: &Call<'_>, object: &ObjectRef) -> Result<Request, Refusal> {
    let template = match object.kind {
        ObjectKind::Customer => "/v1/customers/{}",
        ObjectKind::Plan => "/v1/products/{}",
        ObjectKind::Checkout => "/v1/checkouts/{}",
        ObjectKind::Payment => "/v1/orders/{}",
        // Refunds are shown in lists only.
        ObjectKind::Refund => {
            let query = json!({"id": object.id, "limit": 1});
            return Ok(wire::get(call, "/v1/refunds/", &query));
        }
        ObjectKind::Subscription => "/v1/subscriptions/{}",
        ObjectKind::Method | ObjectKind::Setup | ObjectKind::Dispute => {
            return Err(Refusal::unsupported(
                "Polar shows saved cards with their customer only",
            ));
        }
    };
    Ok(wire::get(call, &path(template, &[&object.id])?, &json!({})))
}

/// What the answer says of it.
pub(super) fn fetch_read(call: &Call<'_>, object: &ObjectRef, reply: Reply) -> Outcome {
    let value = match reply {
        Ok(value) => value,
        Err(problem) if problem.failure.status == 404 => {
            return Outcome::Missing {
                object: object.kind,
                failure: problem.failure,
            };
        }
        Err(problem) => return problem.repeat(call),
    };
    let found = match object.kind {
        ObjectKind::Customer => customer(&value).map(Object::Customer),
        ObjectKind::Plan => plan::found(&value).map(|plan| Object::Plan(plan.link)),
        ObjectKind::Checkout => checkout(&value).map(Object::Checkout),
        ObjectKind::Payment => payment(&value).map(Object::Payment),
        ObjectKind::Refund => match reply::search(&value, "/items", |_| true) {
            Ok(None) => Some(Object::Gone),
            Ok(Some(found)) => Some(refund(found))
                .filter(|refund| refund.id.is_some())
                .map(Object::Refund),
            Err(problem) => return problem.repeat(call),
        },
        ObjectKind::Subscription => snapshot(&value).map(Object::Subscription),
        ObjectKind::Method | ObjectKind::Setup | ObjectKind::Dispute => None,
    };
    found.map_or_else(|| Problem::incomplete().repeat(call), done)
}

/// A customer, whose external id is ours.
pub(super) fn customer(value: &Value) -> Option<Customer> {
    Some(Customer {
        id: owned(value, "/id")?,
        external_id: owned(value, "/external_id"),
        email: owned(value, "/email"),
        name: owned(value, "/name"),
        tags: Tags::read(value.get("metadata")),
    })
}

/// A checkout.
pub(super) fn checkout(value: &Value) -> Option<Checkout> {
    let status = match text(value, "/status")? {
        "succeeded" => CheckoutStatus::Completed,
        "failed" => CheckoutStatus::Failed,
        "expired" => CheckoutStatus::Expired,
        // A confirmed one waits for its payment.
        _ => CheckoutStatus::Open,
    };
    Some(Checkout {
        id: owned(value, "/id")?,
        status,
        url: owned(value, "/url").filter(|_| status == CheckoutStatus::Open),
        expires_at: iso(value, "/expires_at"),
        paid: status == CheckoutStatus::Completed,
        subscription: owned(value, "/subscription_id"),
        payment: None,
        setup: None,
    })
}

/// An order.
pub(super) fn payment(value: &Value) -> Option<Payment> {
    let stated = text(value, "/status")?;
    let retries_at = iso(value, "/next_payment_attempt_at");
    let status = match stated {
        "paid" | "refunded" | "partially_refunded" => MoneyStatus::Succeeded,
        "void" => MoneyStatus::Failed,
        // Another attempt is due because one has failed.
        "pending" if retries_at.is_some() => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let succeeded = status == MoneyStatus::Succeeded;
    let in_checkout = text(value, "/checkout_id").is_some()
        || Tags::read(value.get("metadata"))
            .get(Tag::Checkout)
            .is_some();
    let reason = match text(value, "/billing_reason") {
        Some("subscription_create") => Reason::First,
        Some("subscription_cycle" | "subscription_meter_cycle") => Reason::Renewal,
        Some("subscription_update") => Reason::Update,
        _ if in_checkout => Reason::OneOff,
        _ => Reason::OffSession,
    };
    let period = value.get("subscription").and_then(period);
    Some(Payment {
        id: owned(value, "/id")?,
        also: Vec::new(),
        status,
        money: wire::money(int(value, "/total_amount"), text(value, "/currency")),
        tax: int(value, "/tax_amount"),
        reason,
        subscription: owned(value, "/subscription_id"),
        plan: owned(value, "/product_id"),
        period: period.filter(|_| matches!(reason, Reason::First | Reason::Renewal)),
        paid_at: iso(value, "/modified_at")
            .or_else(|| iso(value, "/created_at"))
            .filter(|_| stated == "paid"),
        method: None,
        failure: (status == MoneyStatus::Failed)
            .then(|| Failure::new(0, Some("payment_failed"), "")),
        next_attempt_at: retries_at.filter(|_| !succeeded),
        action_url: None,
    })
}

fn period(subscription: &Value) -> Option<Period> {
    let start = iso(subscription, "/current_period_start")?;
    let end = iso(subscription, "/current_period_end").filter(|end| *end > start)?;
    Some(Period { start, end })
}

/// A refund: what the customer gets back is the net amount and its tax.
pub(super) fn refund(value: &Value) -> Refund {
    let stated = text(value, "/status");
    let status = match stated {
        Some("succeeded") => MoneyStatus::Succeeded,
        Some("failed" | "canceled") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let tax = int(value, "/tax_amount").unwrap_or_default();
    let gross = int(value, "/amount").and_then(|net| net.checked_add(tax));
    Refund {
        id: owned(value, "/id"),
        reference: None,
        payment: owned(value, "/order_id"),
        status,
        money: wire::money(gross, text(value, "/currency")),
        failure: (status == MoneyStatus::Failed).then(|| Failure::new(200, stated, "")),
        needs_attention: false,
        tags: Tags::read(value.get("metadata")),
    }
}

/// A saved card.
pub(super) fn method(value: &Value) -> Option<Method> {
    Some(Method {
        token: owned(value, "/id")?,
        kind: owned(value, "/type"),
        brand: owned(value, "/method_metadata/brand"),
        last4: owned(value, "/method_metadata/last4"),
        expires_month: small(value, "/method_metadata/exp_month"),
        expires_year: small(value, "/method_metadata/exp_year"),
        fingerprint: None,
        reusable: true,
    })
}

/// A subscription.
pub(super) fn snapshot(value: &Value) -> Option<Snapshot> {
    let stated = text(value, "/status")?;
    let status = match stated {
        "incomplete" => Status::Incomplete,
        "trialing" => Status::Trialing,
        "active" => Status::Active,
        "past_due" => Status::PastDue,
        "paused" => Status::Paused,
        "canceled" | "unpaid" | "incomplete_expired" => Status::Canceled,
        _ => return None,
    };
    let period = period(value);
    let cancels = flag(value, "/cancel_at_period_end") && !status.has_ended();
    let cancel_at = iso(value, "/ends_at").or_else(|| period.map(|period| period.end));
    Some(Snapshot {
        id: owned(value, "/id")?,
        status,
        given_up: false,
        customer: owned(value, "/customer_id"),
        product: owned(value, "/product_id"),
        price: owned(value, "/prices/0/id"),
        quantity: small(value, "/seats"),
        amount: wire::money(int(value, "/amount"), text(value, "/currency")),
        period,
        trial_ends_at: iso(value, "/trial_end").filter(|_| status == Status::Trialing),
        cancels,
        cancel_at: cancel_at.filter(|_| cancels),
        canceled_at: iso(value, "/canceled_at"),
        ended_at: iso(value, "/ended_at"),
        end_reason: owned(value, "/customer_cancellation_reason")
            .or_else(|| status.has_ended().then(|| stated.to_owned())),
        pending: value
            .get("pending_update")
            .filter(|update| update.is_object())
            .map(|update| PendingChange {
                product: owned(update, "/product_id"),
                at: iso(update, "/applies_at"),
            }),
        method: owned(value, "/customer/default_payment_method_id"),
        checkout: owned(value, "/checkout_id"),
        tags: Tags::read(value.get("metadata")),
    })
}
