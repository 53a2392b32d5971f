//! Stripe's objects in our words, from answers and webhooks alike, in old and new shapes.

use serde_json::{Value, json};

use super::wire;
use crate::call::Call;
use crate::form::path;
use crate::json::{flag, id, int, owned, small, text, unix};
use crate::object::{
    Checkout, CheckoutStatus, Customer, Method, MoneyStatus, Object, ObjectKind, ObjectRef,
    Payment, PendingChange, Period, Reason, Refund, Snapshot, Status,
};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;
use crate::tag::Tags;

/// The request for an object as it is now.
pub(super) fn fetch_request(call: &Call<'_>, object: &ObjectRef) -> Result<Request, Refusal> {
    let template = match object.kind {
        ObjectKind::Customer => "/v1/customers/{}",
        ObjectKind::Plan => "/v1/prices/{}",
        ObjectKind::Checkout => "/v1/checkout/sessions/{}",
        ObjectKind::Payment if object.id.starts_with("in_") => "/v1/invoices/{}",
        ObjectKind::Payment if object.id.starts_with("ch_") => "/v1/charges/{}",
        ObjectKind::Payment => "/v1/payment_intents/{}",
        ObjectKind::Refund => "/v1/refunds/{}",
        ObjectKind::Subscription => "/v1/subscriptions/{}",
        ObjectKind::Method => "/v1/payment_methods/{}",
        ObjectKind::Setup => "/v1/setup_intents/{}",
        ObjectKind::Dispute => "/v1/disputes/{}",
    };
    let query = match object.kind {
        ObjectKind::Setup => json!({"expand": ["payment_method"]}),
        ObjectKind::Plan => json!({"expand": ["product"]}),
        _ => Value::Null,
    };
    Ok(wire::get(call, &path(template, &[&object.id])?, &query))
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
        ObjectKind::Customer if flag(&value, "/deleted") => Some(Object::Gone),
        ObjectKind::Customer => customer(&value).map(Object::Customer),
        ObjectKind::Plan => super::plan::found(&value).map(|plan| Object::Plan(plan.link)),
        ObjectKind::Checkout => checkout(&value).map(Object::Checkout),
        ObjectKind::Payment => match text(&value, "/object") {
            Some("invoice") => super::invoice::payment(&value).map(Object::Payment),
            Some("charge") => charge(&value).map(Object::Payment),
            _ => intent(&value).map(Object::Payment),
        },
        ObjectKind::Refund => Some(refund(&value))
            .filter(|refund| refund.id.is_some())
            .map(Object::Refund),
        ObjectKind::Subscription => snapshot(&value).map(Object::Subscription),
        ObjectKind::Method => method(&value).map(Object::Method),
        ObjectKind::Setup => setup(&value).map(Object::Method),
        ObjectKind::Dispute => None,
    };
    found.map_or_else(|| Problem::incomplete().repeat(call), done)
}

/// A customer.
pub(super) fn customer(value: &Value) -> Option<Customer> {
    Some(Customer {
        id: owned(value, "/id")?,
        external_id: None,
        email: owned(value, "/email"),
        name: owned(value, "/name"),
        tags: Tags::read(value.get("metadata")),
    })
}

/// A checkout session.
pub(super) fn checkout(value: &Value) -> Option<Checkout> {
    Some(Checkout {
        id: owned(value, "/id")?,
        status: match text(value, "/status") {
            Some("complete") => CheckoutStatus::Completed,
            Some("expired") => CheckoutStatus::Expired,
            _ => CheckoutStatus::Open,
        },
        url: owned(value, "/url"),
        expires_at: unix(value, "/expires_at"),
        // With a trial both words occur while nothing is due.
        paid: matches!(
            text(value, "/payment_status"),
            Some("paid" | "no_payment_required")
        ) || int(value, "/amount_total") == Some(0),
        subscription: id(value, "/subscription"),
        payment: id(value, "/payment_intent"),
        setup: id(value, "/setup_intent"),
    })
}

/// A subscription. Before 2025 the period was the subscription's, since then it is the item's.
pub(super) fn snapshot(value: &Value) -> Option<Snapshot> {
    let stated = text(value, "/status")?;
    let status = match stated {
        "incomplete" => Status::Incomplete,
        "trialing" => Status::Trialing,
        "active" => Status::Active,
        "past_due" | "unpaid" => Status::PastDue,
        "paused" => Status::Paused,
        "canceled" | "incomplete_expired" => Status::Canceled,
        _ => return None,
    };
    let moment = |name: &str| {
        unix(value, &format!("/items/data/0/{name}")).or_else(|| unix(value, &format!("/{name}")))
    };
    let period = moment("current_period_start")
        .zip(moment("current_period_end"))
        .map(|(start, end)| Period { start, end });
    let at_period_end = flag(value, "/cancel_at_period_end");
    let cancel_at = unix(value, "/cancel_at")
        .or_else(|| period.filter(|_| at_period_end).map(|period| period.end));
    Some(Snapshot {
        id: owned(value, "/id")?,
        status,
        given_up: stated == "unpaid",
        customer: id(value, "/customer"),
        product: id(value, "/items/data/0/price/product"),
        price: id(value, "/items/data/0/price"),
        quantity: small(value, "/items/data/0/quantity"),
        amount: wire::money(
            int(value, "/items/data/0/price/unit_amount"),
            text(value, "/items/data/0/price/currency"),
        ),
        period,
        trial_ends_at: unix(value, "/trial_end").filter(|_| status == Status::Trialing),
        cancels: !status.has_ended() && cancel_at.is_some(),
        cancel_at: cancel_at.filter(|_| !status.has_ended()),
        canceled_at: unix(value, "/canceled_at"),
        ended_at: unix(value, "/ended_at"),
        end_reason: owned(value, "/cancellation_details/reason"),
        pending: id(value, "/schedule").map(|_| PendingChange {
            product: None,
            at: period.map(|period| period.end),
        }),
        method: id(value, "/default_payment_method"),
        checkout: None,
        tags: Tags::read(value.get("metadata")),
    })
}

/// A payment intent.
pub(super) fn intent(value: &Value) -> Option<Payment> {
    let status = match text(value, "/status")? {
        "succeeded" => MoneyStatus::Succeeded,
        "canceled" | "requires_payment_method" => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let amount = int(value, "/amount_received").filter(|_| status == MoneyStatus::Succeeded);
    let off_session = Tags::read(value.get("metadata"))
        .get(crate::tag::Tag::Checkout)
        .is_none();
    Some(Payment {
        id: owned(value, "/id")?,
        also: id(value, "/latest_charge").into_iter().collect(),
        status,
        money: wire::money(
            amount.or_else(|| int(value, "/amount")),
            text(value, "/currency"),
        ),
        tax: None,
        reason: if off_session {
            Reason::OffSession
        } else {
            Reason::OneOff
        },
        subscription: None,
        plan: None,
        period: None,
        paid_at: unix(value, "/created").filter(|_| status == MoneyStatus::Succeeded),
        method: id(value, "/payment_method").map(|token| Method {
            token,
            ..Method::default()
        }),
        failure: failure(value, "/last_payment_error"),
        next_attempt_at: None,
        action_url: owned(value, "/next_action/redirect_to_url/url"),
    })
}

/// A charge, for payments that are only known by one.
fn charge(value: &Value) -> Option<Payment> {
    let status = match text(value, "/status")? {
        "succeeded" => MoneyStatus::Succeeded,
        "failed" => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let charge = owned(value, "/id")?;
    Some(Payment {
        id: id(value, "/payment_intent").unwrap_or_else(|| charge.clone()),
        also: vec![charge],
        status,
        money: wire::money(int(value, "/amount"), text(value, "/currency")),
        tax: None,
        reason: Reason::OneOff,
        subscription: None,
        plan: None,
        period: None,
        paid_at: unix(value, "/created").filter(|_| status == MoneyStatus::Succeeded),
        method: None,
        failure: owned(value, "/failure_code").map(|code| {
            let message = text(value, "/failure_message").unwrap_or_default();
            Failure::new(0, Some(&code), message)
        }),
        next_attempt_at: None,
        action_url: None,
    })
}

/// A failure inside an object.
fn failure(value: &Value, path: &str) -> Option<Failure> {
    let error = value.pointer(path).filter(|error| error.is_object())?;
    let code = text(error, "/decline_code").or_else(|| text(error, "/code"));
    let message = text(error, "/message").unwrap_or_default();
    Some(Failure::new(0, code, message))
}

/// A refund.
pub(super) fn refund(value: &Value) -> Refund {
    let status = match text(value, "/status") {
        Some("succeeded") => MoneyStatus::Succeeded,
        Some("failed" | "canceled") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    Refund {
        id: owned(value, "/id"),
        reference: None,
        payment: id(value, "/payment_intent").or_else(|| id(value, "/charge")),
        status,
        money: wire::money(int(value, "/amount"), text(value, "/currency")),
        failure: owned(value, "/failure_reason").map(|code| Failure::new(0, Some(&code), "")),
        needs_attention: text(value, "/status") == Some("requires_action"),
        tags: Tags::read(value.get("metadata")),
    }
}

/// A saved payment method.
pub(super) fn method(value: &Value) -> Option<Method> {
    Some(Method {
        token: owned(value, "/id")?,
        kind: owned(value, "/type"),
        brand: owned(value, "/card/brand"),
        last4: owned(value, "/card/last4"),
        expires_month: small(value, "/card/exp_month"),
        expires_year: small(value, "/card/exp_year"),
        fingerprint: owned(value, "/card/fingerprint"),
        reusable: true,
    })
}

/// The method that a setup intent saved; only its id unless it was expanded.
pub(super) fn setup(value: &Value) -> Option<Method> {
    let found = value.pointer("/payment_method")?;
    if found.is_object() {
        return method(found);
    }
    Some(Method {
        token: id(value, "/payment_method")?,
        reusable: text(value, "/usage") != Some("on_session"),
        ..Method::default()
    })
}

/// The object of a list that an operation of ours made.
pub(super) fn made_by<'v>(value: &'v Value, mark: &str) -> Result<Option<&'v Value>, Problem> {
    reply::search(value, "/data", |item| {
        text(item, "/metadata/owo_operation") == Some(mark)
    })
}
