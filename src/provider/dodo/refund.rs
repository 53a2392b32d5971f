//! Dodo's refunds.
//!
//! There is no amount of a refund as a whole: a part is spread over the payment's line items, as
//! far as each can be refunded. After a lost answer the refunds of the payment are read one by
//! one, since only there our mark shows.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{int, owned, text};
use crate::object::{MoneyStatus, Object, Refund};
use crate::operation::RefundDraft;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;

/// Most refunds of one payment that are read.
const REFUNDS_MAX: usize = 20;

/// The step that is due: a part needs the line items first.
fn due<'a>(call: &Call<'a>, draft: &RefundDraft) -> &'a str {
    match call.progress.step.as_str() {
        "" if draft.money.is_some() && call.progress.get("items").is_none() => "items",
        step => step,
    }
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, draft: &RefundDraft) -> Result<Request, Refusal> {
    match due(call, draft) {
        "items" => {
            let path = path("/payments/{}/line-items", &[&draft.payment])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
        "look" => {
            let since = call.progress.since - TimeDelta::hours(1);
            let query = json!({
                "created_at_gte": since.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "page_size": wire::PAGE,
                "page_number": 0,
            });
            Ok(wire::get(call, "/refunds", &query))
        }
        "inspect" => {
            let path = path("/refunds/{}", &[first(call).0])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
        _ => {
            let mut body = json!({
                "payment_id": draft.payment,
                "reason": draft.reason,
                "metadata": call.marked(&draft.tags).metadata(),
            });
            let items = call.progress.get("items").map(parts);
            if let (Some(items), Some(fields)) = (items, body.as_object_mut()) {
                fields.insert("items".to_owned(), Value::Array(items));
            }
            Ok(wire::post(call, "/refunds", &body))
        }
    }
}

/// The parts that were noted as `item=amount` lines.
fn parts(lines: &str) -> Vec<Value> {
    let part = |line: &str| {
        let (item, amount) = line.rsplit_once('=')?;
        let amount: i64 = amount.parse().ok()?;
        Some(json!({"item_id": item, "amount": amount, "tax_inclusive": true}))
    };
    lines.lines().filter_map(part).collect()
}

/// The refund to be read now, and those after it.
fn first<'a>(call: &'a Call<'_>) -> (&'a str, &'a str) {
    let refunds = call.noted("refunds");
    refunds.split_once('\n').unwrap_or((refunds, ""))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, draft: &RefundDraft, reply: Reply) -> Outcome {
    match (due(call, draft), reply) {
        ("items", Ok(value)) => spread(call, draft, &value),
        ("look", Ok(value)) => looked(call, draft, &value),
        ("inspect", Ok(value)) => inspected(call, &value),
        ("items", Err(problem)) => problem.repeat(call),
        ("look" | "inspect", Err(problem)) => problem.unknown(call),
        (_, Ok(value)) if text(&value, "/refund_id").is_some() => settled(&value),
        (_, Ok(_)) => Problem::incomplete().look(call, "look"),
        (_, Err(problem)) => problem.look(call, "look"),
    }
}

/// Spreads the amount over the line items, in their order.
fn spread(call: &Call<'_>, draft: &RefundDraft, value: &Value) -> Outcome {
    let wanted = draft.money.map_or(Ok(0), wire::amount);
    let currency = draft.money.map(|money| money.currency.as_str());
    let items = match reply::items(value, "/items") {
        Ok(items) => items,
        Err(problem) => return problem.repeat(call),
    };
    let (Ok(mut left), true) = (wanted, text(value, "/currency") == currency) else {
        return invalid("the payment is in another currency");
    };
    let mut lines = Vec::new();
    for item in items {
        let (Some(id), Some(most)) = (owned(item, "/items_id"), int(item, "/refundable_amount"))
        else {
            return Problem::incomplete().repeat(call);
        };
        let part = left.min(most);
        if part > 0 {
            lines.push(format!("{id}={part}"));
            left -= part;
        }
    }
    if left > 0 || lines.is_empty() {
        return invalid("more than what is left of the payment");
    }
    Outcome::Next(call.progress.at("").note("items", lines.join("\n")))
}

fn invalid(message: &str) -> Outcome {
    Outcome::Invalid(Failure::new(200, Some("refund_refused"), message))
}

/// The refunds of the payment, to be read one by one.
fn looked(call: &Call<'_>, draft: &RefundDraft, value: &Value) -> Outcome {
    let items = match reply::items(value, "/items") {
        Ok(items) => items,
        Err(problem) => return problem.unknown(call),
    };
    let refunds: Vec<String> = items
        .iter()
        .filter(|item| text(item, "/payment_id") == Some(&draft.payment))
        .filter_map(|item| owned(item, "/refund_id"))
        .take(REFUNDS_MAX)
        .collect();
    if refunds.is_empty() {
        return Outcome::Next(call.progress.at(""));
    }
    let progress = call.progress.at("inspect");
    Outcome::Next(progress.note("refunds", refunds.join("\n")))
}

fn inspected(call: &Call<'_>, value: &Value) -> Outcome {
    if text(value, "/refund_id").is_none() {
        return Problem::incomplete().unknown(call);
    }
    if text(value, "/metadata/owo_operation") == Some(&call.mark()) {
        return settled(value);
    }
    let rest = first(call).1;
    if rest.is_empty() {
        return Outcome::Next(call.progress.at(""));
    }
    Outcome::Next(call.progress.clone().note("refunds", rest))
}

fn settled(value: &Value) -> Outcome {
    let refund = object::refund(value);
    match (refund.status, &refund.failure) {
        (MoneyStatus::Failed, Some(failure)) => Outcome::Declined(failure.clone()),
        _ => done(Object::Refund(Refund { ..refund })),
    }
}
