//! Stripe's hosted checkout: a subscription, a payment or a card.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::link;
use crate::object::Object;
use crate::operation::{CheckoutDraft, Purchase};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{Problem, Reply, done};
use crate::request::Request;

/// The request that opens a session.
pub(super) fn request(call: &Call<'_>, draft: &CheckoutDraft) -> Result<Request, Refusal> {
    let success_url = draft
        .success_url
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("an address to come back to"))?;
    let metadata = draft.marks().metadata();
    let buyer = &draft.buyer;
    let known = buyer.reference.is_some();
    let mut body = json!({
        "success_url": success_url,
        "cancel_url": draft.cancel_url,
        "client_reference_id": link::reference(draft.id, 0),
        "customer": buyer.reference,
        "customer_email": buyer.email.as_ref().filter(|_| !known),
        "expires_at": draft.expires_at.map(|at| at.timestamp()),
        "metadata": metadata,
    });
    let purchase = match &draft.purchase {
        Purchase::Subscription {
            plan,
            quantity,
            trial_days,
            ..
        } => {
            let price = plan.price.as_deref().unwrap_or(&plan.product);
            let trial =
                trial_days.map(|_| json!({"end_behavior": {"missing_payment_method": "cancel"}}));
            json!({
                "mode": "subscription",
                "line_items": [{"price": price, "quantity": quantity}],
                "subscription_data": {
                    "metadata": metadata,
                    "trial_period_days": trial_days,
                    "trial_settings": trial,
                },
            })
        }
        Purchase::OneTime {
            name,
            money,
            quantity,
            save_method,
            ..
        } => json!({
            "mode": "payment",
            "line_items": [{
                "price_data": {
                    "currency": wire::currency(money.currency),
                    "unit_amount": wire::amount(*money)?,
                    "product_data": {"name": name},
                },
                "quantity": quantity,
            }],
            "payment_intent_data": {
                "metadata": metadata,
                "setup_future_usage": save_method.then_some("off_session"),
            },
            "customer_creation": (!known).then_some("always"),
        }),
        Purchase::CardSetup { currency, .. } => json!({
            "mode": "setup",
            "currency": wire::currency(*currency),
            "setup_intent_data": {"metadata": metadata},
            "customer_creation": (!known).then_some("always"),
        }),
    };
    merge(&mut body, purchase);
    Ok(wire::post(call, "/v1/checkout/sessions", &body))
}

fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

/// The session of the answer. A second one would do no harm: only one address is handed out.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(value) => object::checkout(&value).map_or_else(
            || Problem::incomplete().repeat(call),
            |checkout| done(Object::Checkout(checkout)),
        ),
        Err(problem) => wire::harmless(problem, call),
    }
}

/// The request that ends a session; after a refusal, the one that reads it.
pub(super) fn close_request(call: &Call<'_>, checkout: &str) -> Result<Request, Refusal> {
    if call.step() == "read" {
        let path = path("/v1/checkout/sessions/{}", &[checkout])?;
        return Ok(wire::get(call, &path, &Value::Null));
    }
    let path = path("/v1/checkout/sessions/{}/expire", &[checkout])?;
    Ok(wire::post(call, path, &json!({})))
}

/// A session that cannot be ended has ended, or was completed: what it is now is the answer.
pub(super) fn close_read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Err(problem) if call.step().is_empty() && problem.failure.status == 400 => {
            Outcome::Next(call.progress.at("read"))
        }
        reply => read(call, reply),
    }
}
