//! Stripe's off-session charges.
//!
//! The idempotency key keeps a repeat from charging twice for a day; after that, and when Stripe
//! replays a stored failure, the payment intents of the customer are searched for our mark.

use chrono::TimeDelta;
use serde_json::json;

use super::{object, wire};
use crate::call::Call;
use crate::object::{MoneyStatus, Object, Payment};
use crate::operation::ChargeDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{Problem, Reply, done};
use crate::request::Request;

fn looks(call: &Call<'_>) -> bool {
    call.step() == "look" || wire::key_is_old(call)
}

/// The request that charges, or the one that looks whether it has been done.
pub(super) fn request(call: &Call<'_>, draft: &ChargeDraft) -> Result<Request, Refusal> {
    if looks(call) {
        // Clocks differ a little.
        let since = (call.progress.since - TimeDelta::hours(1)).timestamp();
        let query = json!({"customer": draft.customer, "created": {"gte": since}, "limit": 100});
        return Ok(wire::get(call, "/v1/payment_intents", &query));
    }
    let body = json!({
        "amount": wire::amount(draft.money)?,
        "currency": wire::currency(draft.money.currency),
        "customer": draft.customer,
        "payment_method": draft.method,
        "confirm": true,
        "off_session": true,
        "description": draft.description,
        "receipt_email": draft.email,
        "metadata": call.marked(&draft.tags).metadata(),
    });
    Ok(wire::post(call, "/v1/payment_intents", &body))
}

/// The payment of the answer.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    if looks(call) {
        let found = reply.and_then(|value| {
            let made = object::made_by(&value, &call.mark())?;
            made.map(|item| object::intent(item).ok_or_else(Problem::incomplete))
                .transpose()
        });
        return match found {
            Ok(Some(payment)) => settled(payment),
            Ok(None) => Outcome::Next(call.progress.renewed("", call.at)),
            Err(problem) => problem.unknown(call),
        };
    }
    match reply {
        Ok(value) if crate::json::text(&value, "/status") == Some("requires_action") => {
            Outcome::Declined(Failure::new(
                402,
                Some("authentication_required"),
                "the customer must confirm the payment",
            ))
        }
        Ok(value) => {
            object::intent(&value).map_or_else(|| Problem::incomplete().repeat(call), settled)
        }
        Err(problem) if problem.is_stuck() => problem.look(call, "look"),
        Err(problem) => problem.repeat(call),
    }
}

/// A payment that failed is a decline; any other is the end.
fn settled(payment: Payment) -> Outcome {
    match (payment.status, payment.failure) {
        (MoneyStatus::Failed, failure) => Outcome::Declined(
            failure.unwrap_or_else(|| Failure::new(402, Some("declined"), "the payment failed")),
        ),
        (_, failure) => done(Object::Payment(Payment { failure, ..payment })),
    }
}
