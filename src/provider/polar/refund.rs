//! Polar's refunds.
//!
//! We count what the customer gets back; Polar wants the part of it that is no tax and adds the
//! tax itself. The order is read first, since only it knows how much of it can still be refunded.

use owostack_domain::money::round_half_away;
use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{int, text};
use crate::object::{MoneyStatus, Object};
use crate::operation::RefundDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &RefundDraft) -> Result<Request, Refusal> {
    match call.step() {
        "refund" => {
            let net: i64 = call
                .noted("net")
                .parse()
                .map_err(|_| Refusal::invalid("the net amount was not noted"))?;
            let body = json!({
                "order_id": draft.payment,
                "reason": "customer_request",
                "amount": net,
                "comment": draft.reason,
                "metadata": call.marked(&draft.tags).metadata(),
            });
            Ok(wire::post(call, "/v1/refunds/", &body))
        }
        "look" => {
            let query = json!({"order_id": draft.payment, "page": 1, "limit": 100});
            Ok(wire::get(call, "/v1/refunds/", &query))
        }
        _ => {
            let path = path("/v1/orders/{}", &[&draft.payment])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, draft: &RefundDraft, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("refund", Ok(value)) if text(&value, "/id").is_some() => settled(&value),
        ("refund", Ok(_)) => Problem::incomplete().look(call, "look"),
        ("refund", Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(call.progress.at("look").note("exists", "1"))
        }
        ("refund", Err(problem)) => problem.look(call, "look"),
        ("look", Ok(value)) => looked(call, &value),
        ("look", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) => measured(call, draft, &value),
        (_, Err(problem)) => problem.repeat(call),
    }
}

/// How much to ask for, by what is left of the order.
fn measured(call: &Call<'_>, draft: &RefundDraft, order: &Value) -> Outcome {
    let (Some(net), Some(currency)) = (int(order, "/refundable_amount"), text(order, "/currency"))
    else {
        return Problem::incomplete().repeat(call);
    };
    let tax = int(order, "/refundable_tax_amount").unwrap_or_default();
    let gross = i128::from(net) + i128::from(tax);
    let asked = match draft.money {
        None => net,
        Some(money) if !currency.eq_ignore_ascii_case(money.currency.as_str()) => {
            return invalid("the order is in another currency");
        }
        Some(money) => match wire::amount(money) {
            Ok(amount) if i128::from(amount) <= gross => {
                let part = round_half_away(i128::from(amount) * i128::from(net), gross);
                i64::try_from(part).unwrap_or(net).min(net)
            }
            _ => return invalid("more than what is left of the order"),
        },
    };
    if asked < 1 {
        return Outcome::Exists(Failure::new(
            200,
            Some("RefundedAlready"),
            "nothing of the order is left to refund",
        ));
    }
    Outcome::Next(call.progress.at("refund").note("net", asked.to_string()))
}

fn invalid(message: &str) -> Outcome {
    Outcome::Invalid(Failure::new(200, Some("refund_refused"), message))
}

/// The refund that carries our mark, or leave to ask again.
fn looked(call: &Call<'_>, value: &Value) -> Outcome {
    let mark = call.mark();
    let is_ours = |item: &Value| text(item, "/metadata/owo_operation") == Some(&mark);
    match reply::search(value, "/items", is_ours) {
        Ok(Some(refund)) => settled(refund),
        Ok(None) if call.progress.get("exists").is_some() => Outcome::Exists(Failure::new(
            403,
            Some("RefundedAlready"),
            "the order has been refunded before",
        )),
        Ok(None) => Outcome::Next(call.progress.at("refund")),
        Err(problem) => problem.unknown(call),
    }
}

fn settled(value: &Value) -> Outcome {
    let refund = object::refund(value);
    match (refund.status, &refund.failure) {
        (MoneyStatus::Failed, Some(failure)) => Outcome::Declined(failure.clone()),
        _ => done(Object::Refund(refund)),
    }
}
