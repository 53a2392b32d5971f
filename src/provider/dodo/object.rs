//! Dodo's objects in our words, from answers and webhooks alike. Subscriptions are in `snapshot`.

use serde_json::{Value, json};

use super::{plan, snapshot, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{int, iso, owned, small, text};
use crate::object::{
    Checkout, CheckoutStatus, Customer, Method, MoneyStatus, Object, ObjectKind, ObjectRef,
    Payment, Reason, Refund,
};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{Problem, Reply, done};
use crate::request::Request;
use crate::tag::{Tag, Tags};

/// The request for an object as it is now.
pub(super) fn fetch_request(call: &Call<'_>, object: &ObjectRef) -> Result<Request, Refusal> {
    let template = match object.kind {
        ObjectKind::Customer => "/customers/{}",
        ObjectKind::Plan => "/products/{}",
        ObjectKind::Checkout => "/checkouts/{}",
        ObjectKind::Payment => "/payments/{}",
        ObjectKind::Refund => "/refunds/{}",
        ObjectKind::Subscription => "/subscriptions/{}",
        ObjectKind::Method | ObjectKind::Setup | ObjectKind::Dispute => {
            return Err(Refusal::unsupported(
                "Dodo shows saved cards with their customer only",
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
        ObjectKind::Refund => Some(refund(&value))
            .filter(|refund| refund.id.is_some())
            .map(Object::Refund),
        ObjectKind::Subscription => snapshot::read(&value, call.at).map(Object::Subscription),
        ObjectKind::Method | ObjectKind::Setup | ObjectKind::Dispute => None,
    };
    found.map_or_else(|| Problem::incomplete().repeat(call), done)
}

/// A customer.
pub(super) fn customer(value: &Value) -> Option<Customer> {
    Some(Customer {
        id: owned(value, "/customer_id")?,
        external_id: None,
        email: owned(value, "/email"),
        name: owned(value, "/name"),
        tags: Tags::read(value.get("metadata")),
    })
}

/// A checkout, as its status call tells it.
fn checkout(value: &Value) -> Option<Checkout> {
    let paid = text(value, "/payment_status") == Some("succeeded");
    Some(Checkout {
        id: owned(value, "/id")?,
        // After a failed payment the customer may try again in the same checkout.
        status: if paid {
            CheckoutStatus::Completed
        } else {
            CheckoutStatus::Open
        },
        url: None,
        expires_at: None,
        paid,
        subscription: None,
        payment: owned(value, "/payment_id"),
        setup: None,
    })
}

/// A payment.
pub(super) fn payment(value: &Value) -> Option<Payment> {
    let status = match text(value, "/status") {
        Some("succeeded") => MoneyStatus::Succeeded,
        Some("failed" | "cancelled") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let tags = Tags::read(value.get("metadata"));
    let subscription = owned(value, "/subscription_id");
    let in_checkout = text(value, "/checkout_session_id").is_some();
    // What a subscription pays carries its tags, and so the checkout's.
    let own_charge = tags.get(Tag::Checkout).is_none() && !tags.is_empty();
    let succeeded = status == MoneyStatus::Succeeded;
    Some(Payment {
        id: owned(value, "/payment_id")?,
        also: Vec::new(),
        status,
        money: wire::money(int(value, "/total_amount"), text(value, "/currency")),
        tax: int(value, "/tax"),
        reason: match (&subscription, in_checkout) {
            (Some(_), true) => Reason::First,
            (None, true) => Reason::OneOff,
            (_, false) if own_charge => Reason::OffSession,
            (Some(_), false) => Reason::Subscription,
            (None, false) => Reason::OneOff,
        },
        subscription,
        plan: owned(value, "/product_cart/0/product_id"),
        period: None,
        // The moment of its last update moves with refunds.
        paid_at: iso(value, "/created_at").filter(|_| succeeded),
        method: owned(value, "/payment_method_id").map(|token| Method {
            token,
            kind: owned(value, "/payment_method"),
            brand: text(value, "/card_network").map(str::to_lowercase),
            last4: owned(value, "/card_last_four"),
            ..Method::default()
        }),
        failure: (status == MoneyStatus::Failed).then(|| {
            let message = text(value, "/error_message").unwrap_or_default();
            Failure::new(
                200,
                text(value, "/error_code").or_else(|| text(value, "/status")),
                message,
            )
        }),
        next_attempt_at: None,
        action_url: owned(value, "/payment_link"),
    })
}

/// A refund.
pub(super) fn refund(value: &Value) -> Refund {
    let stated = text(value, "/status");
    let status = match stated {
        Some("succeeded") => MoneyStatus::Succeeded,
        Some("failed") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    Refund {
        id: owned(value, "/refund_id"),
        reference: None,
        payment: owned(value, "/payment_id"),
        status,
        money: wire::money(int(value, "/amount"), text(value, "/currency")),
        failure: (status == MoneyStatus::Failed).then(|| Failure::new(200, stated, "")),
        needs_attention: stated == Some("review"),
        tags: Tags::read(value.get("metadata")),
    }
}

/// A saved card.
pub(super) fn method(value: &Value) -> Option<Method> {
    Some(Method {
        token: owned(value, "/payment_method_id")?,
        kind: owned(value, "/payment_method"),
        brand: text(value, "/card/card_network").map(str::to_lowercase),
        last4: owned(value, "/card/last4_digits"),
        expires_month: small(value, "/card/expiry_month"),
        expires_year: small(value, "/card/expiry_year")
            .map(|year| if year < 100 { year + 2_000 } else { year }),
        fingerprint: None,
        reusable: value.get("recurring_enabled").and_then(Value::as_bool) != Some(false),
    })
}
