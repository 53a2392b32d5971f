//! Paystack's charges of saved cards.
//!
//! A reference is charged once and never again; after a lost answer the transaction of that
//! reference tells the truth. A decline comes with a good status.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::text;
use crate::link;
use crate::object::{MoneyStatus, Object};
use crate::operation::ChargeDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{Fault, Problem, Reply, done};
use crate::request::Request;

/// The request that charges, or the one that looks whether it has been done.
pub(super) fn request(call: &Call<'_>, draft: &ChargeDraft) -> Result<Request, Refusal> {
    let reference = link::reference(call.id, 0);
    if call.step() == "verify" {
        let path = path("/transaction/verify/{}", &[&reference])?;
        return Ok(wire::get(call, &path, &Value::Null));
    }
    let email = draft
        .email
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("the e-mail address that the card belongs to"))?;
    let body = json!({
        "authorization_code": draft.method,
        "email": email,
        "amount": wire::amount(draft.money)?,
        "currency": draft.money.currency.as_str(),
        "reference": reference,
        // Documented as text.
        "metadata": call.marked(&draft.tags).metadata().to_string(),
    });
    Ok(wire::post(call, "/transaction/charge_authorization", body))
}

/// The payment of the answer.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    let verifying = call.step() == "verify";
    match reply {
        Ok(value) => settled(call, value.get("data").unwrap_or(&Value::Null)),
        // Never arrived.
        Err(problem) if verifying && matches!(problem.fault, Fault::Missing(_)) => {
            Outcome::Next(call.progress.at(""))
        }
        Err(problem) if verifying => problem.unknown(call),
        Err(problem) if problem.fault == Fault::Exists => Outcome::Next(call.progress.at("verify")),
        Err(problem) => problem.look(call, "verify"),
    }
}

/// What a transaction means for the charge.
fn settled(call: &Call<'_>, data: &Value) -> Outcome {
    let stated = text(data, "/status").unwrap_or_default();
    if stated.starts_with("send_") || stated == "open_url" || text(data, "/url").is_some() {
        return Outcome::Declined(Failure::new(
            200,
            Some("authentication_required"),
            "the customer must confirm the payment",
        ));
    }
    let Some(payment) = object::payment(data) else {
        return Problem::incomplete().look(call, "verify");
    };
    match payment.status {
        MoneyStatus::Failed => Outcome::Declined(
            payment
                .failure
                .unwrap_or_else(|| Failure::new(200, Some("failed"), "the payment failed")),
        ),
        MoneyStatus::Succeeded | MoneyStatus::Pending => done(Object::Payment(payment)),
    }
}
