//! Paystack's subscriptions: begun with a saved card, ended, kept.
//!
//! Ending and keeping need a token of the subscription, which is read just before and lives in
//! memory only. Beginning is never repeated without looking.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{object, plan, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{id, iso, owned, text};
use crate::object::{Object, Snapshot, SnapshotPage};
use crate::operation::{Operation, StartDraft};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;
use crate::secret::Secret;

/// The request for a subscription.
pub(super) fn get(call: &Call<'_>, subscription: &str) -> Result<Request, Refusal> {
    let path = path("/subscription/{}", &[subscription])?;
    Ok(wire::get(call, &path, &Value::Null))
}

/// The request that begins a subscription, or the step that looks whether it has begun.
pub(super) fn start_request(call: &Call<'_>, draft: &StartDraft) -> Result<Request, Refusal> {
    match call.step() {
        "customer" => {
            let path = path("/customer/{}", &[&draft.customer])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
        "look" => Ok(list(call)),
        "confirm" => get(call, call.noted("subscription")),
        _ if draft.quantity != 1 => Err(Refusal::unsupported(
            "a subscription at Paystack has a quantity of one",
        )),
        _ => Ok(wire::post(
            call,
            "/subscription",
            json!({
                "customer": draft.customer,
                "plan": draft.plan.product,
                "authorization": draft.method,
                "start_date": draft.first_payment_at.map(|at| at.to_rfc3339()),
            }),
        )),
    }
}

/// The request for the subscriptions of the customer whose number was noted.
pub(super) fn list(call: &Call<'_>) -> Request {
    let query = json!({"customer": call.noted("customer"), "perPage": 100});
    wire::get(call, "/subscription", &query)
}

/// The code of the customer's subscription to that plan that has begun since the operation has.
pub(super) fn begun(
    call: &Call<'_>,
    value: &Value,
    customer: &str,
    plan: &str,
) -> Result<Option<String>, Problem> {
    let since = call.progress.since - TimeDelta::hours(1);
    let is_ours = |item: &Value| {
        let made = iso(item, "/createdAt").or_else(|| iso(item, "/created_at"));
        text(item, "/plan/plan_code") == Some(plan)
            && text(item, "/customer/customer_code") == Some(customer)
            && !matches!(
                text(item, "/status"),
                Some("cancelled" | "completed" | "complete")
            )
            && made.is_some_and(|made| made >= since)
    };
    let found = reply::search(value, "/data", is_ours)?;
    Ok(found.and_then(|item| owned(item, "/subscription_code")))
}

/// What the answer of that step leads to.
pub(super) fn start_read(call: &Call<'_>, draft: &StartDraft, reply: Reply) -> Outcome {
    let progress = call.progress;
    match (call.step(), reply) {
        ("confirm", reply) => shown(call, reply),
        ("customer", Ok(value)) => match id(&value, "/data/id") {
            Some(number) => Outcome::Next(progress.at("look").note("customer", number)),
            None => Problem::incomplete().unknown(call),
        },
        ("look", Ok(value)) => match begun(call, &value, &draft.customer, &draft.plan.product) {
            Ok(Some(code)) => Outcome::Next(progress.at("confirm").note("subscription", code)),
            Ok(None) if progress.get("exists").is_some() => Outcome::Exists(Failure::new(
                400,
                Some("duplicate_subscription"),
                "the customer has this subscription already",
            )),
            Ok(None) => Outcome::Next(progress.at("")),
            Err(problem) => problem.unknown(call),
        },
        ("customer" | "look", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) => match owned(&value, "/data/subscription_code") {
            Some(code) => Outcome::Next(progress.at("confirm").note("subscription", code)),
            None => Problem::incomplete().look(call, "customer"),
        },
        (_, Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(progress.at("customer").note("exists", "1"))
        }
        (_, Err(problem)) => problem.look(call, "customer"),
    }
}

/// The subscription of an answer.
pub(super) fn shown(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(value) => value.get("data").and_then(object::snapshot).map_or_else(
            || Problem::incomplete().repeat(call),
            |snapshot| done(Object::Subscription(snapshot)),
        ),
        Err(problem) => problem.repeat(call),
    }
}

/// The step that is due: without its token, a step that needs one reads the subscription first.
fn due<'a>(call: &Call<'a>) -> &'a str {
    match call.progress.step.as_str() {
        "disable" | "enable" if call.progress.pass.is_none() => "",
        step => step,
    }
}

/// The body that ends or keeps a subscription.
pub(super) fn toggle(call: &Call<'_>, subscription: &str) -> Value {
    let token = call.progress.pass.as_ref().map(Secret::expose);
    json!({"code": subscription, "token": token})
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, subscription: &str) -> Result<Request, Refusal> {
    match due(call) {
        "disable" => Ok(wire::post(
            call,
            "/subscription/disable",
            toggle(call, subscription),
        )),
        "enable" => Ok(wire::post(
            call,
            "/subscription/enable",
            toggle(call, subscription),
        )),
        _ => get(call, subscription),
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (due(call), reply) {
        ("", Ok(value)) => match value.get("data").and_then(object::snapshot) {
            Some(snapshot) => toggled(call, &value, snapshot),
            None => Problem::incomplete().repeat(call),
        },
        ("disable" | "enable", Ok(_)) => Outcome::Next(call.progress.at("confirm")),
        // Read again: it says whether it was done.
        ("disable" | "enable", Err(problem)) => problem.look(call, ""),
        (_, reply) => shown(call, reply),
    }
}

/// What is due for a subscription as it is.
fn toggled(call: &Call<'_>, value: &Value, snapshot: Snapshot) -> Outcome {
    let cancels = matches!(call.operation, Operation::CancelSubscription { .. });
    if !cancels && snapshot.status.has_ended() {
        return Outcome::Invalid(Failure::new(
            200,
            Some("subscription_ended"),
            "the subscription has ended",
        ));
    }
    if snapshot.status.has_ended() || snapshot.cancels == cancels {
        return done(Object::Subscription(snapshot));
    }
    let Some(token) = text(value, "/data/email_token") else {
        return Problem::incomplete().repeat(call);
    };
    let step = if cancels { "disable" } else { "enable" };
    Outcome::Next(call.progress.at(step).with_pass(Secret::new(token)))
}

/// The request for one page of the subscriptions there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    let query = json!({"perPage": 100, "page": plan::number(cursor)});
    wire::get(call, "/subscription", &query)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, cursor: Option<&str>, reply: Reply) -> Outcome {
    let page = plan::number(cursor);
    let listed = reply.and_then(|value| {
        let items = reply::items(&value, "/data")?;
        let more = !plan::is_last(&value, page);
        Ok(SnapshotPage {
            subscriptions: items.iter().filter_map(object::snapshot).collect(),
            next: more.then(|| (page + 1).to_string()),
        })
    });
    listed.map_or_else(
        |problem: Problem| problem.repeat(call),
        |page| done(Object::Subscriptions(page)),
    )
}
