//! Dodo's subscriptions: changed, ended, kept, paused, resumed.
//!
//! Every operation reads the subscription first and again after a lost answer, so that what was
//! done is not done twice.

use serde_json::{Value, json};

use super::{plan, snapshot, wire};
use crate::call::Call;
use crate::form::path;
use crate::object::{Object, Snapshot, SnapshotPage, Status};
use crate::operation::{ChangeDraft, Operation, Proration, Timing};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;

/// The subscription that the operation is about.
fn target(operation: &Operation) -> &str {
    match operation {
        Operation::ChangeSubscription(draft) => &draft.subscription,
        Operation::UndoChange { subscription }
        | Operation::CancelSubscription { subscription, .. }
        | Operation::KeepSubscription { subscription }
        | Operation::PauseSubscription { subscription }
        | Operation::ResumeSubscription { subscription } => subscription,
        _ => "",
    }
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>) -> Result<Request, Refusal> {
    let own = path("/subscriptions/{}", &[target(call.operation)])?;
    if let Operation::ChangeSubscription(draft) = call.operation {
        // Said before anything is sent.
        proration(draft)?;
        if call.step() == "act" {
            return Ok(wire::post(
                call,
                format!("{own}/change-plan"),
                &change(call, draft)?,
            ));
        }
    }
    if call.step() != "act" {
        return Ok(wire::get(call, &own, &Value::Null));
    }
    let body = match call.operation {
        Operation::UndoChange { .. } => {
            return Ok(wire::delete(call, format!("{own}/change-plan/scheduled")));
        }
        Operation::CancelSubscription { timing, .. } => match timing {
            Timing::Now => json!({"status": "cancelled", "cancel_reason": "cancelled_by_customer"}),
            Timing::PeriodEnd => json!({"cancel_at_next_billing_date": true}),
        },
        Operation::KeepSubscription { .. } => json!({"cancel_at_next_billing_date": false}),
        // These two are refused together with any other field.
        Operation::PauseSubscription { .. } => json!({"status": "paused"}),
        _ => json!({"status": "active"}),
    };
    Ok(wire::patch(call, own, &body))
}

fn proration(draft: &ChangeDraft) -> Result<&'static str, Refusal> {
    match (draft.timing, draft.proration) {
        // At the end of a period nothing is left to divide.
        (Timing::PeriodEnd, _) | (Timing::Now, Proration::ChargeNow) => Ok("prorated_immediately"),
        (Timing::Now, Proration::None) => Ok("do_not_bill"),
        (Timing::Now, Proration::NextInvoice) => Err(Refusal::unsupported(
            "Dodo bills a change at once or not at all",
        )),
    }
}

fn change(call: &Call<'_>, draft: &ChangeDraft) -> Result<Value, Refusal> {
    let now = draft.timing == Timing::Now;
    Ok(json!({
        "product_id": draft.plan.product,
        "quantity": draft.quantity,
        "proration_billing_mode": proration(draft)?,
        "effective_at": if now { "immediately" } else { "next_billing_date" },
        // Otherwise a failed charge would put the subscription on hold.
        "on_payment_failure": now.then_some("prevent_change"),
        "cancel_scheduled_change_plan": call.progress.get("replace").is_some(),
        "metadata": draft.tags.metadata(),
    }))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("act", Ok(_)) => Outcome::Next(call.progress.at("confirm")),
        ("act", Err(problem)) => problem.look(call, ""),
        (step, Ok(value)) => match snapshot::read(&value, call.at) {
            Some(snapshot) if step == "confirm" => done(Object::Subscription(snapshot)),
            Some(snapshot) => begun(call, snapshot),
            None => Problem::incomplete().repeat(call),
        },
        (_, Err(problem)) => problem.repeat(call),
    }
}

/// What is due for a subscription as it is.
fn begun(call: &Call<'_>, snapshot: Snapshot) -> Outcome {
    let ended = snapshot.status.has_ended();
    let cancels = matches!(call.operation, Operation::CancelSubscription { .. });
    if ended && !cancels {
        return Outcome::Invalid(Failure::new(
            200,
            Some("subscription_ended"),
            "the subscription has ended",
        ));
    }
    let pending = snapshot
        .pending
        .as_ref()
        .map(|change| change.product.as_deref());
    let settled = match call.operation {
        Operation::ChangeSubscription(draft) => {
            let wanted = Some(draft.plan.product.as_str());
            let same = snapshot.product.as_deref() == wanted
                && snapshot.quantity.unwrap_or(1) == draft.quantity;
            (same && pending.is_none())
                || (draft.timing == Timing::PeriodEnd && pending == Some(wanted))
        }
        Operation::UndoChange { .. } => pending.is_none(),
        Operation::CancelSubscription { timing, .. } => {
            ended || (*timing == Timing::PeriodEnd && snapshot.cancels)
        }
        Operation::KeepSubscription { .. } => !snapshot.cancels,
        Operation::PauseSubscription { .. } => snapshot.status == Status::Paused,
        _ => matches!(snapshot.status, Status::Active | Status::Trialing),
    };
    if settled {
        return done(Object::Subscription(snapshot));
    }
    let progress = call.progress.at("act");
    Outcome::Next(match pending {
        Some(_) => progress.note("replace", "1"),
        None => progress,
    })
}

/// The request for one page of the subscriptions there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    wire::get(call, "/subscriptions", &wire::page(plan::number(cursor)))
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, cursor: Option<&str>, reply: Reply) -> Outcome {
    let page = plan::number(cursor);
    let listed = reply.and_then(|value| {
        let items = reply::items(&value, "/items")?;
        let more = !plan::is_last(&value, page);
        Ok(SnapshotPage {
            subscriptions: items
                .iter()
                .filter_map(|item| snapshot::read(item, call.at))
                .collect(),
            next: more.then(|| (page + 1).to_string()),
        })
    });
    listed.map_or_else(
        |problem: Problem| problem.repeat(call),
        |page| done(Object::Subscriptions(page)),
    )
}
