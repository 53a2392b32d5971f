//! Polar's charges of saved cards: a draft order, then its finalisation, which moves the money.
//!
//! A draft that was lost is found by our mark; an order is never finalised twice, since a paid one
//! is no draft any more. After a lost answer the order says what happened.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{owned, text};
use crate::object::{MoneyStatus, Object};
use crate::operation::ChargeDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &ChargeDraft) -> Result<Request, Refusal> {
    match call.step() {
        "find" => {
            let query = json!({
                "customer_id": draft.customer,
                "metadata": {"owo_operation": call.mark()},
                "page": 1,
                "limit": 10,
            });
            Ok(wire::get(call, "/v1/orders/", &query))
        }
        "finalize" => {
            let path = path("/v1/orders/{}/finalize", &[call.noted("order")])?;
            let body = json!({"payment_method_id": draft.method});
            Ok(wire::post(call, path, &body))
        }
        "read" => {
            let path = path("/v1/orders/{}", &[call.noted("order")])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
        _ => {
            let product = draft
                .product
                .as_deref()
                .ok_or_else(|| Refusal::incomplete("a product for charges of any amount"))?;
            let body = json!({
                "customer_id": draft.customer,
                "product_id": product,
                "amount": wire::amount(draft.money)?,
                "currency": wire::currency(draft.money.currency),
                "description": draft.description,
                "metadata": call.marked(&draft.tags).metadata(),
            });
            Ok(wire::post(call, "/v1/orders/", &body))
        }
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("find", reply) => found(call, reply),
        ("finalize" | "read", Ok(value)) => settled(call, &value),
        ("finalize", Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(call.progress.at("read"))
        }
        ("finalize", Err(problem)) => problem.look(call, "read"),
        ("read", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) => match owned(&value, "/id") {
            Some(order) => Outcome::Next(call.progress.at("finalize").note("order", order)),
            None => Problem::incomplete().look(call, "find"),
        },
        (_, Err(problem)) => problem.look(call, "find"),
    }
}

/// The draft that was made, or leave to make one.
fn found(call: &Call<'_>, reply: Reply) -> Outcome {
    let mark = call.mark();
    let is_ours = |item: &Value| text(item, "/metadata/owo_operation") == Some(&mark);
    let found = reply.and_then(|value| {
        let item = reply::search(&value, "/items", is_ours)?;
        item.map(|item| owned(item, "/id").ok_or_else(Problem::incomplete))
            .transpose()
    });
    match found {
        Ok(Some(order)) => Outcome::Next(call.progress.at("read").note("order", order)),
        Ok(None) => Outcome::Next(call.progress.at("")),
        Err(problem) => problem.unknown(call),
    }
}

/// What an order means for the charge.
fn settled(call: &Call<'_>, value: &Value) -> Outcome {
    if text(value, "/status") == Some("draft") {
        // Not finalised yet; an answer to the finalisation itself would not say so.
        return if call.step() == "read" {
            Outcome::Next(call.progress.at("finalize"))
        } else {
            Problem::incomplete().look(call, "read")
        };
    }
    let Some(payment) = object::payment(value) else {
        return Problem::incomplete().look(call, "read");
    };
    if payment.status == MoneyStatus::Failed {
        let failure = payment.failure;
        return Outcome::Declined(
            failure.unwrap_or_else(|| Failure::new(200, Some("failed"), "the payment failed")),
        );
    }
    done(Object::Payment(payment))
}
