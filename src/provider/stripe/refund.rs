//! Stripe's refunds. A payment that is kept as an invoice is first led back to its intent.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::json::id;
use crate::object::{MoneyStatus, Object, ObjectKind};
use crate::operation::RefundDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// What is due: leading back, looking or refunding.
fn due<'a>(call: &'a Call<'_>, draft: &RefundDraft) -> &'a str {
    match call.step() {
        "" if draft.payment.starts_with("in_") && call.progress.get("intent").is_none() => "intent",
        "" | "refund" if wire::key_is_old(call) => "look",
        "" => "refund",
        step => step,
    }
}

/// The parameter that names the payment, and its id.
fn payment<'a>(call: &'a Call<'_>, draft: &'a RefundDraft) -> (&'static str, &'a str) {
    let id = call.progress.get("intent").unwrap_or(&draft.payment);
    let name = if id.starts_with("ch_") || id.starts_with("py_") {
        "charge"
    } else {
        "payment_intent"
    };
    (name, id)
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &RefundDraft) -> Result<Request, Refusal> {
    let (name, id) = payment(call, draft);
    match due(call, draft) {
        "intent" => {
            let query = json!({"invoice": draft.payment, "status": "paid", "limit": 1});
            Ok(wire::get(call, "/v1/invoice_payments", &query))
        }
        "look" => {
            let query = json!({name: id, "limit": 100});
            Ok(wire::get(call, "/v1/refunds", &query))
        }
        _ => {
            let body = json!({
                name: id,
                "amount": draft.money.map(wire::amount).transpose()?,
                "reason": "requested_by_customer",
                "metadata": call.marked(&draft.tags).metadata(),
            });
            Ok(wire::post(call, "/v1/refunds", &body))
        }
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, draft: &RefundDraft, reply: Reply) -> Outcome {
    match (due(call, draft), reply) {
        ("intent", Ok(value)) => intent(call, &value),
        ("look", Ok(value)) => match object::made_by(&value, &call.mark()) {
            Ok(Some(found)) => settled(found),
            // Somebody else has refunded it.
            Ok(None) if call.progress.get("exists").is_some() => Outcome::Exists(Failure::new(
                400,
                Some("charge_already_refunded"),
                "the payment has been refunded before",
            )),
            Ok(None) => Outcome::Next(call.progress.renewed("refund", call.at)),
            Err(problem) => problem.unknown(call),
        },
        ("intent", Err(problem)) => problem.repeat(call),
        ("look", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) if id(&value, "/id").is_some() => settled(&value),
        (_, Ok(_)) => Problem::incomplete().repeat(call),
        (_, Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(call.progress.at("look").note("exists", "1"))
        }
        (_, Err(problem)) if problem.is_stuck() => problem.look(call, "look"),
        (_, Err(problem)) => problem.repeat(call),
    }
}

fn intent(call: &Call<'_>, value: &Value) -> Outcome {
    let payment = match reply::search(value, "/data", |_| true) {
        Ok(payment) => payment,
        Err(problem) => return problem.repeat(call),
    };
    let found = payment.and_then(|payment| {
        id(payment, "/payment/payment_intent").or_else(|| id(payment, "/payment/charge"))
    });
    match found {
        Some(intent) => Outcome::Next(call.progress.at("refund").note("intent", intent)),
        None => Outcome::Missing {
            object: ObjectKind::Payment,
            failure: Failure::new(200, None, "the invoice was not paid through Stripe"),
        },
    }
}

fn settled(value: &Value) -> Outcome {
    let refund = object::refund(value);
    if refund.status == MoneyStatus::Failed {
        let failure = refund.failure;
        return Outcome::Declined(
            failure.unwrap_or_else(|| Failure::new(200, Some("failed"), "the refund failed")),
        );
    }
    done(Object::Refund(refund))
}
