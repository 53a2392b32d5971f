//! Paystack's objects in our words, from answers and webhooks alike.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{plan, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{flag, id, int, iso, owned, small, text};
use crate::link::referenced;
use crate::object::{
    Checkout, CheckoutStatus, Customer, Method, MoneyStatus, Object, ObjectKind, ObjectRef,
    Payment, Period, Reason, Refund, Snapshot, Status,
};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{Problem, Reply, done};
use crate::request::Request;
use crate::tag::{Tag, Tags};

/// Text before our mark in a refund's note.
pub(super) const NOTE_MARK: &str = "owo:";

/// The request for an object as it is now.
pub(super) fn fetch_request(call: &Call<'_>, object: &ObjectRef) -> Result<Request, Refusal> {
    let template = match object.kind {
        ObjectKind::Customer => "/customer/{}",
        ObjectKind::Plan => "/plan/{}",
        // A page is its transaction.
        ObjectKind::Checkout | ObjectKind::Payment => "/transaction/verify/{}",
        ObjectKind::Refund => "/refund/{}",
        ObjectKind::Subscription => "/subscription/{}",
        ObjectKind::Method | ObjectKind::Setup | ObjectKind::Dispute => {
            return Err(Refusal::unsupported(
                "Paystack shows saved cards with their customer only",
            ));
        }
    };
    Ok(wire::get(call, &path(template, &[&object.id])?, &json!({})))
}

/// What the answer says of it.
pub(super) fn fetch_read(call: &Call<'_>, object: &ObjectRef, reply: Reply) -> Outcome {
    let value = match reply {
        Ok(value) => value,
        Err(problem) => return problem.repeat(call),
    };
    let data = value.get("data").unwrap_or(&Value::Null);
    let found = match object.kind {
        ObjectKind::Customer => customer(data).map(Object::Customer),
        ObjectKind::Plan => plan::found(data).map(|plan| Object::Plan(plan.link)),
        ObjectKind::Checkout => checkout(data).map(Object::Checkout),
        ObjectKind::Payment => payment(data).map(Object::Payment),
        ObjectKind::Refund => Some(refund(data))
            .filter(|refund| refund.id.is_some())
            .map(Object::Refund),
        ObjectKind::Subscription => snapshot(data).map(Object::Subscription),
        ObjectKind::Method | ObjectKind::Setup | ObjectKind::Dispute => None,
    };
    found.map_or_else(|| Problem::incomplete().repeat(call), done)
}

/// A customer.
pub(super) fn customer(value: &Value) -> Option<Customer> {
    let names = [text(value, "/first_name"), text(value, "/last_name")];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Customer {
        id: owned(value, "/customer_code")?,
        external_id: None,
        email: text(value, "/email").map(str::to_lowercase),
        name: Some(name).filter(|name| !name.is_empty()),
        tags: Tags::read(value.get("metadata")),
    })
}

/// A saved card.
pub(super) fn method(value: &Value) -> Option<Method> {
    Some(Method {
        token: owned(value, "/authorization_code")?,
        kind: owned(value, "/channel"),
        brand: text(value, "/brand")
            .or_else(|| text(value, "/card_type"))
            .map(|brand| brand.trim().to_lowercase()),
        last4: owned(value, "/last4"),
        expires_month: small(value, "/exp_month"),
        expires_year: small(value, "/exp_year"),
        fingerprint: owned(value, "/signature"),
        reusable: flag(value, "/reusable"),
    })
}

/// What became of a transaction.
fn money_status(value: &Value) -> MoneyStatus {
    match text(value, "/status") {
        Some("success") => MoneyStatus::Succeeded,
        Some("failed" | "reversed" | "abandoned") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    }
}

/// The page that a transaction is.
fn checkout(value: &Value) -> Option<Checkout> {
    let reference = owned(value, "/reference")?;
    let status = match text(value, "/status") {
        Some("success") => CheckoutStatus::Completed,
        Some("failed" | "reversed") => CheckoutStatus::Failed,
        // An abandoned page may still be paid.
        _ => CheckoutStatus::Open,
    };
    Some(Checkout {
        id: reference.clone(),
        status,
        url: owned(value, "/authorization_url"),
        expires_at: None,
        paid: status == CheckoutStatus::Completed,
        subscription: None,
        payment: Some(reference).filter(|_| status == CheckoutStatus::Completed),
        setup: None,
    })
}

/// A transaction.
pub(super) fn payment(value: &Value) -> Option<Payment> {
    let reference = owned(value, "/reference")?;
    let status = money_status(value);
    let tags = Tags::read(value.get("metadata"));
    let plan = plan_code(value);
    let ours = !tags.is_empty() || referenced(&reference).is_some();
    let succeeded = status == MoneyStatus::Succeeded;
    Some(Payment {
        id: reference,
        also: id(value, "/id").into_iter().collect(),
        status,
        money: wire::money(int(value, "/amount"), text(value, "/currency")),
        tax: None,
        // A renewal has a reference of Paystack's and none of our tags.
        reason: match (&plan, tags.get(Tag::Checkout)) {
            (Some(_), _) if ours => Reason::First,
            (Some(_), _) => Reason::Renewal,
            (None, None) if !tags.is_empty() => Reason::OffSession,
            (None, _) => Reason::OneOff,
        },
        subscription: None,
        plan,
        period: None,
        paid_at: iso(value, "/paid_at")
            .or_else(|| iso(value, "/paidAt"))
            .filter(|_| succeeded),
        method: value.get("authorization").and_then(method),
        failure: (status == MoneyStatus::Failed).then(|| {
            let message = text(value, "/gateway_response").unwrap_or_default();
            Failure::new(200, text(value, "/status"), message)
        }),
        next_attempt_at: None,
        action_url: owned(value, "/url"),
    })
}

/// The plan of a transaction: an object, a code with the object beside it, or nothing.
fn plan_code(value: &Value) -> Option<String> {
    owned(value, "/plan/plan_code")
        .or_else(|| owned(value, "/plan_object/plan_code"))
        .or_else(|| owned(value, "/plan").filter(|code| code.starts_with("PLN_")))
}

/// A refund.
pub(super) fn refund(value: &Value) -> Refund {
    let stated = text(value, "/status");
    let status = match stated {
        Some("processed") => MoneyStatus::Succeeded,
        Some("failed") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let mark = text(value, "/merchant_note").and_then(|note| {
        let (_, mark) = note.split_once(NOTE_MARK)?;
        mark.split_whitespace().next()
    });
    let tags = Tags::default();
    Refund {
        id: id(value, "/id"),
        reference: id(value, "/refund_reference"),
        payment: owned(value, "/transaction_reference")
            .or_else(|| owned(value, "/transaction/reference")),
        status,
        money: wire::money(int(value, "/amount"), text(value, "/currency")),
        failure: (status == MoneyStatus::Failed).then(|| Failure::new(200, stated, "")),
        needs_attention: stated == Some("needs-attention"),
        tags: match mark {
            Some(mark) => tags.with(Tag::Operation, mark),
            None => tags,
        },
    }
}

/// A subscription. The webhook's word for one that ran out is not the API's.
pub(super) fn snapshot(value: &Value) -> Option<Snapshot> {
    let stated = text(value, "/status")?;
    let status = match stated {
        "active" | "non-renewing" => Status::Active,
        "attention" => Status::PastDue,
        "cancelled" | "completed" | "complete" => Status::Canceled,
        _ => return None,
    };
    let next = iso(value, "/next_payment_date");
    let cancels = stated == "non-renewing";
    Some(Snapshot {
        id: owned(value, "/subscription_code")?,
        status,
        given_up: false,
        customer: owned(value, "/customer/customer_code"),
        product: owned(value, "/plan/plan_code"),
        price: None,
        quantity: None,
        amount: wire::money(int(value, "/amount"), text(value, "/plan/currency")),
        period: period(value, next),
        trial_ends_at: None,
        cancels,
        // Often absent: the end of the period that we know counts.
        cancel_at: next.filter(|_| cancels),
        canceled_at: iso(value, "/cancelledAt"),
        ended_at: None,
        end_reason: status.has_ended().then(|| stated.to_owned()),
        pending: None,
        method: owned(value, "/authorization/authorization_code"),
        checkout: None,
        tags: Tags::default(),
    })
}

/// From the last invoice, or the beginning, to the next payment.
fn period(value: &Value, next: Option<DateTime<Utc>>) -> Option<Period> {
    let end = next?;
    let start = iso(value, "/most_recent_invoice/period_start")
        .or_else(|| iso(value, "/created_at"))
        .or_else(|| iso(value, "/createdAt"))?;
    (start < end).then_some(Period { start, end })
}
