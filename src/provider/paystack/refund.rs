//! Paystack's refunds.
//!
//! Refunds know no key of ours but a note for the merchant, which the list of refunds is searched
//! for after a lost answer.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{id, text};
use crate::object::{MoneyStatus, Object};
use crate::operation::RefundDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &RefundDraft) -> Result<Request, Refusal> {
    match call.step() {
        "verify" => {
            let path = path("/transaction/verify/{}", &[&draft.payment])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
        "look" => {
            let from = call.progress.since - TimeDelta::days(1);
            let query = json!({
                "transaction": call.noted("transaction"),
                "from": from.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "perPage": 100,
            });
            Ok(wire::get(call, "/refund", &query))
        }
        _ => {
            let body = json!({
                "transaction": draft.payment,
                "amount": draft.money.map(wire::amount).transpose()?,
                "currency": draft.money.map(|money| money.currency.as_str()),
                "customer_note": draft.reason,
                "merchant_note": note(call),
            });
            Ok(wire::post(call, "/refund", body))
        }
    }
}

fn note(call: &Call<'_>) -> String {
    format!("{}{}", object::NOTE_MARK, call.mark())
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("verify", Ok(value)) => match id(&value, "/data/id") {
            Some(transaction) => {
                Outcome::Next(call.progress.at("look").note("transaction", transaction))
            }
            None => Problem::incomplete().unknown(call),
        },
        ("look", Ok(value)) => looked(call, &value),
        ("verify" | "look", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) => value
            .get("data")
            .filter(|data| id(data, "/id").is_some())
            .map_or_else(|| Problem::incomplete().look(call, "verify"), settled),
        (_, Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(call.progress.at("verify").note("exists", "1"))
        }
        (_, Err(problem)) => problem.look(call, "verify"),
    }
}

/// What the list of refunds tells.
fn looked(call: &Call<'_>, value: &Value) -> Outcome {
    let mark = note(call);
    let is_ours =
        |item: &Value| text(item, "/merchant_note").is_some_and(|note| note.contains(&mark));
    match reply::search(value, "/data", is_ours) {
        Ok(Some(refund)) => settled(refund),
        Ok(None) if call.progress.get("exists").is_some() => Outcome::Exists(Failure::new(
            400,
            Some("transaction_reversed"),
            "the payment has been refunded before",
        )),
        Ok(None) => Outcome::Next(call.progress.at("")),
        Err(problem) => problem.unknown(call),
    }
}

fn settled(data: &Value) -> Outcome {
    let refund = object::refund(data);
    match (refund.status, refund.failure) {
        (MoneyStatus::Failed, failure) => Outcome::Declined(
            failure.unwrap_or_else(|| Failure::new(200, Some("failed"), "the refund failed")),
        ),
        (_, failure) => done(Object::Refund(crate::object::Refund { failure, ..refund })),
    }
}
