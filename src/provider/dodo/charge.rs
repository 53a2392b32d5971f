//! Dodo's charges of saved cards, and subscriptions that begin with one.
//!
//! A mandate is charged directly; another card pays a checkout that is confirmed at once. The
//! answer names the payment, which is then read. After a lost answer the payments of the customer
//! are searched for our mark before anything is charged again.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::customer::MANDATE;
use super::{checkout, object, snapshot, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{owned, text};
use crate::object::{MoneyStatus, Object};
use crate::operation::{ChargeDraft, StartDraft};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;

/// The steps that charges and beginnings share.
fn shared(call: &Call<'_>, customer: &str) -> Option<Result<Request, Refusal>> {
    match call.step() {
        "look" => {
            let since = call.progress.since - TimeDelta::hours(1);
            let query = json!({
                "customer_id": customer,
                "created_at_gte": since.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "page_size": wire::PAGE,
                "page_number": 0,
            });
            Some(Ok(wire::get(call, "/payments", &query)))
        }
        "payment" => Some(
            path("/payments/{}", &[call.noted("payment")])
                .map(|path| wire::get(call, &path, &Value::Null)),
        ),
        _ => None,
    }
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &ChargeDraft) -> Result<Request, Refusal> {
    if let Some(request) = shared(call, &draft.customer) {
        return request;
    }
    let metadata = call.marked(&draft.tags).metadata();
    let amount = wire::amount(draft.money)?;
    let currency = draft.money.currency.as_str();
    if draft.method.starts_with(MANDATE) {
        let path = path("/subscriptions/{}/charge", &[&draft.method])?;
        let body = json!({
            "product_price": amount,
            "product_currency": currency,
            "product_description": draft.description,
            "metadata": metadata,
        });
        return Ok(wire::post(call, path, &body));
    }
    let product = draft
        .product
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("a product for charges of any amount"))?;
    let body = json!({
        "product_cart": [{"product_id": product, "quantity": 1, "amount": amount}],
        "customer": {"customer_id": draft.customer},
        "billing_currency": currency,
        "payment_method_id": draft.method,
        "confirm": true,
        "metadata": metadata,
    });
    Ok(wire::post(call, "/checkouts", &body))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("look", reply) => looked(call, reply),
        ("payment", Ok(value)) => settled(call, &value),
        ("payment", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) => match owned(&value, "/payment_id") {
            Some(payment) => Outcome::Next(call.progress.at("payment").note("payment", payment)),
            None => Problem::incomplete().look(call, "look"),
        },
        (_, Err(problem)) => problem.look(call, "look"),
    }
}

/// The payment that carries our mark, or leave to charge again.
fn looked(call: &Call<'_>, reply: Reply) -> Outcome {
    let mark = call.mark();
    let is_ours = |item: &Value| text(item, "/metadata/owo_operation") == Some(&mark);
    let found = reply.and_then(|value| {
        let item = reply::search(&value, "/items", is_ours)?;
        item.map(|item| owned(item, "/payment_id").ok_or_else(Problem::incomplete))
            .transpose()
    });
    match found {
        Ok(Some(payment)) => Outcome::Next(call.progress.at("payment").note("payment", payment)),
        Ok(None) => Outcome::Next(call.progress.at("")),
        Err(problem) => problem.unknown(call),
    }
}

fn settled(call: &Call<'_>, value: &Value) -> Outcome {
    if text(value, "/status") == Some("requires_customer_action") {
        return Outcome::Declined(Failure::new(
            200,
            Some("authentication_required"),
            "the customer must confirm the payment",
        ));
    }
    let Some(payment) = object::payment(value) else {
        return Problem::incomplete().unknown(call);
    };
    match (payment.status, &payment.failure) {
        (MoneyStatus::Failed, Some(failure)) => Outcome::Declined(failure.clone()),
        _ => done(Object::Payment(payment)),
    }
}

/// The request of the step that is due for a subscription.
pub(super) fn start_request(call: &Call<'_>, draft: &StartDraft) -> Result<Request, Refusal> {
    if let Some(request) = shared(call, &draft.customer) {
        return request;
    }
    if call.step() == "subscription" {
        let path = path("/subscriptions/{}", &[call.noted("subscription")])?;
        return Ok(wire::get(call, &path, &Value::Null));
    }
    if draft.method.starts_with(MANDATE) {
        return Err(Refusal::unsupported(
            "a mandate cannot pay another subscription; open a checkout",
        ));
    }
    let days = draft
        .first_payment_at
        .map_or(0, |first| days(call.at, first));
    let body = json!({
        "product_cart": [{"product_id": draft.plan.product, "quantity": draft.quantity}],
        "customer": {"customer_id": draft.customer},
        "payment_method_id": draft.method,
        "confirm": true,
        "subscription_data": {"trial_period_days": days},
        "metadata": call.marked(&draft.tags).metadata(),
    });
    Ok(wire::post(call, "/checkouts", &body))
}

/// Whole days until then, rounded up: nobody pays early.
fn days(now: DateTime<Utc>, first: DateTime<Utc>) -> i64 {
    let seconds = (first - now).num_seconds().max(0);
    seconds / 86_400 + i64::from(seconds % 86_400 > 0)
}

/// What the answer of that step leads to for a subscription.
pub(super) fn start_read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("look", reply) => looked(call, reply),
        ("payment", Ok(value)) => match owned(&value, "/subscription_id") {
            Some(id) => Outcome::Next(call.progress.at("subscription").note("subscription", id)),
            // The webhook will name the subscription.
            None => settled(call, &value),
        },
        ("subscription", Ok(value)) => snapshot::read(&value, call.at).map_or_else(
            || Problem::incomplete().repeat(call),
            |snapshot| done(Object::Subscription(snapshot)),
        ),
        ("payment" | "subscription", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) => match (owned(&value, "/payment_id"), checkout::opened(&value)) {
            (Some(id), _) => Outcome::Next(call.progress.at("payment").note("payment", id)),
            // Nothing to pay yet, as with a trial.
            (None, Some(checkout)) => done(Object::Checkout(checkout)),
            (None, None) => Problem::incomplete().look(call, "look"),
        },
        (_, Err(problem)) => problem.look(call, "look"),
    }
}
