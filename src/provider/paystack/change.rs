//! A change of plan at Paystack, which has none: a new subscription begins when the running
//! period ends, and the old one does not renew.
//!
//! The new one is made first, so that a failure leaves the customer with the old one. What the
//! rest of the period costs is charged by an operation of its own before. The object at the end
//! is the new subscription.

use serde_json::{Value, json};

use super::{object, subscription, wire};
use crate::call::Call;
use crate::json::{id, owned, text};
use crate::object::{Object, Status};
use crate::operation::ChangeDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{Fault, Problem, Reply, done};
use crate::request::Request;
use crate::secret::Secret;

/// The step that is due: without its token the old subscription is read again.
fn due<'a>(call: &Call<'a>) -> &'a str {
    match call.progress.step.as_str() {
        "disable" if call.progress.pass.is_none() => "token",
        step => step,
    }
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &ChangeDraft) -> Result<Request, Refusal> {
    match due(call) {
        _ if draft.quantity != 1 => Err(Refusal::unsupported(
            "a subscription at Paystack has a quantity of one",
        )),
        "create" => Ok(wire::post(
            call,
            "/subscription",
            json!({
                "customer": call.noted("code"),
                "plan": draft.plan.product,
                "authorization": call.noted("method"),
                "start_date": call.noted("start"),
            }),
        )),
        "look" => Ok(subscription::list(call)),
        "disable" => {
            let body = subscription::toggle(call, &draft.subscription);
            Ok(wire::post(call, "/subscription/disable", body))
        }
        "confirm" => subscription::get(call, call.noted("subscription")),
        _ => subscription::get(call, &draft.subscription),
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, draft: &ChangeDraft, reply: Reply) -> Outcome {
    let progress = call.progress;
    match (due(call), reply) {
        ("", Ok(value)) => begun(call, draft, &value),
        ("token", Ok(value)) => disabling(call, &value),
        ("look", Ok(value)) => match looked(call, draft, &value) {
            Ok(Some(code)) => Outcome::Next(progress.at("token").note("subscription", code)),
            Ok(None) if progress.get("exists").is_some() => Outcome::Exists(Failure::new(
                400,
                Some("duplicate_subscription"),
                "the customer has this subscription already",
            )),
            Ok(None) => Outcome::Next(progress.at("create")),
            Err(problem) => problem.unknown(call),
        },
        ("look" | "token", Err(problem)) => problem.unknown(call),
        ("create", Ok(value)) => match owned(&value, "/data/subscription_code") {
            Some(code) => Outcome::Next(progress.at("token").note("subscription", code)),
            None => Problem::incomplete().look(call, "look"),
        },
        ("create", Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(progress.at("look").note("exists", "1"))
        }
        ("create", Err(problem)) => problem.look(call, "look"),
        ("disable", Ok(_)) => Outcome::Next(progress.at("confirm")),
        // Read again: it says whether it was done.
        ("disable", Err(problem)) => problem.look(call, "token"),
        ("confirm", reply) => subscription::shown(call, reply),
        (_, Ok(_)) => Problem::incomplete().repeat(call),
        (_, Err(problem)) => problem.repeat(call),
    }
}

/// The new subscription, when it has begun.
fn looked(call: &Call<'_>, draft: &ChangeDraft, value: &Value) -> Result<Option<String>, Problem> {
    subscription::begun(call, value, call.noted("code"), &draft.plan.product)
}

/// What the old subscription tells: whom, with what and from when the new one is.
fn begun(call: &Call<'_>, draft: &ChangeDraft, value: &Value) -> Outcome {
    let data = value.get("data").unwrap_or(&Value::Null);
    let Some(old) = object::snapshot(data) else {
        return Problem::incomplete().repeat(call);
    };
    if old.product.as_deref() == Some(draft.plan.product.as_str()) {
        return done(Object::Subscription(old));
    }
    let start = old
        .period
        .map(|period| period.end)
        .or(old.cancel_at)
        .or(draft.period_end);
    let customer = old.customer.or_else(|| draft.customer.clone());
    let method = draft.method.clone().or(old.method);
    let (Some(start), Some(customer), Some(method), false) =
        (start, customer, method, old.status == Status::Canceled)
    else {
        return Outcome::Invalid(Failure::new(
            200,
            Some("subscription_ended"),
            "the subscription has no period, customer or card to go on with",
        ));
    };
    Outcome::Next(
        call.progress
            .at("create")
            .note("code", customer)
            .note("customer", id(data, "/customer/id").unwrap_or_default())
            .note("method", method)
            .note("start", start.to_rfc3339()),
    )
}

/// Ends the old subscription, unless it ends already.
fn disabling(call: &Call<'_>, value: &Value) -> Outcome {
    let data = value.get("data").unwrap_or(&Value::Null);
    match (object::snapshot(data), text(data, "/email_token")) {
        (Some(old), _) if old.cancels || old.status.has_ended() => {
            Outcome::Next(call.progress.at("confirm"))
        }
        (Some(_), Some(token)) => {
            Outcome::Next(call.progress.at("disable").with_pass(Secret::new(token)))
        }
        _ => Problem::incomplete().repeat(call),
    }
}
