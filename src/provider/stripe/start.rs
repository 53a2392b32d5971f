//! Stripe's subscriptions that begin with a saved card.
//!
//! The idempotency key keeps a repeat from beginning two for a day; after that the subscriptions
//! of the customer are searched for our mark.

use chrono::TimeDelta;
use serde_json::json;

use super::{object, subscription, wire};
use crate::call::Call;
use crate::operation::StartDraft;
use crate::outcome::{Outcome, Refusal};
use crate::reply::Reply;
use crate::request::Request;

/// The request that begins a subscription, or the one that looks whether it has begun.
pub(super) fn request(call: &Call<'_>, draft: &StartDraft) -> Result<Request, Refusal> {
    if looks(call) {
        let since = (call.progress.since - TimeDelta::hours(1)).timestamp();
        let query = json!({
            "customer": draft.customer, "status": "all", "created": {"gte": since}, "limit": 100,
        });
        return Ok(wire::get(call, "/v1/subscriptions", &query));
    }
    let body = json!({
        "customer": draft.customer,
        "items": [{
            "price": draft.plan.price.as_deref().unwrap_or(&draft.plan.product),
            "quantity": draft.quantity,
        }],
        "default_payment_method": draft.method,
        "off_session": true,
        "payment_behavior": "error_if_incomplete",
        "trial_end": draft.first_payment_at.map(|at| at.timestamp()),
        "metadata": call.marked(&draft.tags).metadata(),
    });
    Ok(wire::post(call, "/v1/subscriptions", &body))
}

fn looks(call: &Call<'_>) -> bool {
    call.step() == "look" || wire::key_is_old(call)
}

/// The subscription of the answer.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(value) if looks(call) => match object::made_by(&value, &call.mark()) {
            Ok(Some(found)) => subscription::finished(call, found),
            Ok(None) => Outcome::Next(call.progress.renewed("", call.at)),
            Err(problem) => problem.unknown(call),
        },
        Err(problem) if looks(call) => problem.unknown(call),
        Ok(value) => subscription::finished(call, &value),
        Err(problem) if problem.is_stuck() => problem.look(call, "look"),
        Err(problem) => problem.repeat(call),
    }
}
