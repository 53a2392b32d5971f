//! Polar's subscriptions: changed, ended, kept, paused, resumed.
//!
//! Every operation reads the subscription first and again after a lost answer, so that what was
//! done is not done twice.

use serde_json::{Value, json};

use super::{object, plan, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{flag, int};
use crate::object::{Object, Snapshot, SnapshotPage, Status};
use crate::operation::{ChangeDraft, Operation, Proration, Timing};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
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
    let own = path("/v1/subscriptions/{}", &[target(call.operation)])?;
    if let Operation::ChangeSubscription(draft) = call.operation {
        // Said before anything is sent.
        proration(draft)?;
    }
    let body = match (call.step(), call.operation) {
        // A change is refused while an end is scheduled.
        ("keep", _) => json!({"cancel_at_period_end": false}),
        ("act", Operation::ChangeSubscription(draft)) => json!({
            "product_id": draft.plan.product,
            "proration_behavior": proration(draft)?,
        }),
        ("act", Operation::UndoChange { .. }) => json!({"pending_update": null}),
        ("act", Operation::CancelSubscription { timing, .. }) => match timing {
            Timing::Now => return Ok(wire::delete(call, own)),
            Timing::PeriodEnd => json!({"cancel_at_period_end": true}),
        },
        ("act", Operation::KeepSubscription { .. }) => json!({"cancel_at_period_end": false}),
        ("act", Operation::PauseSubscription { .. }) => json!({"pause_at_period_end": true}),
        ("unpause", _) => json!({"pause_at_period_end": false}),
        ("act", _) => json!({"resume": true}),
        _ => return Ok(wire::get(call, &own, &Value::Null)),
    };
    Ok(wire::patch(call, own, &body))
}

fn proration(draft: &ChangeDraft) -> Result<&'static str, Refusal> {
    if draft.quantity != 1 {
        return Err(Refusal::unsupported(
            "a subscription at Polar has a quantity of one",
        ));
    }
    match (draft.timing, draft.proration) {
        (Timing::PeriodEnd, _) => Ok("next_period"),
        (Timing::Now, Proration::ChargeNow) => Ok("invoice"),
        (Timing::Now, Proration::NextInvoice) => Ok("prorate"),
        (Timing::Now, Proration::None) => Err(Refusal::unsupported(
            "Polar bills a change at once or with the next order",
        )),
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match (call.step(), reply) {
        ("keep", Ok(value)) => match object::snapshot(&value) {
            Some(_) => Outcome::Next(call.progress.at("act")),
            None => Problem::incomplete().look(call, ""),
        },
        // Done by somebody else in between.
        ("act", Err(problem)) if problem.fault == Fault::Exists => {
            Outcome::Next(call.progress.at("confirm"))
        }
        ("act" | "keep" | "unpause", Err(problem)) => problem.look(call, ""),
        // A removal may answer with nothing.
        ("act" | "unpause", Ok(value)) if object::snapshot(&value).is_none() => {
            Outcome::Next(call.progress.at("confirm"))
        }
        (step, Ok(value)) => match object::snapshot(&value) {
            Some(snapshot) if step.is_empty() => begun(call, &value, snapshot),
            Some(snapshot) => done(Object::Subscription(snapshot)),
            None => Problem::incomplete().repeat(call),
        },
        (_, Err(problem)) => problem.repeat(call),
    }
}

/// What is due for a subscription as it is.
fn begun(call: &Call<'_>, value: &Value, snapshot: Snapshot) -> Outcome {
    let ended = snapshot.status.has_ended();
    if ended && !matches!(call.operation, Operation::CancelSubscription { .. }) {
        return Outcome::Invalid(Failure::new(
            200,
            Some("subscription_ended"),
            "the subscription has ended",
        ));
    }
    let pausing = flag(value, "/pause_at_period_end");
    let mut step = "act";
    let settled = match call.operation {
        Operation::ChangeSubscription(draft) => {
            if snapshot.cancels {
                step = "keep";
            }
            changed(draft, &snapshot)
        }
        Operation::UndoChange { .. } => snapshot.pending.is_none(),
        Operation::CancelSubscription { timing, .. } => {
            ended || (*timing == Timing::PeriodEnd && snapshot.cancels)
        }
        Operation::KeepSubscription { .. } => !snapshot.cancels,
        Operation::PauseSubscription { .. } => pausing || snapshot.status == Status::Paused,
        _ => {
            if pausing {
                step = "unpause";
            }
            snapshot.status != Status::Paused && !pausing
        }
    };
    if settled {
        return done(Object::Subscription(snapshot));
    }
    Outcome::Next(call.progress.at(step))
}

/// Whether the change has been made or waits for its date.
fn changed(draft: &ChangeDraft, snapshot: &Snapshot) -> bool {
    let wanted = Some(draft.plan.product.as_str());
    let pending = snapshot
        .pending
        .as_ref()
        .map(|change| change.product.as_deref());
    match draft.timing {
        Timing::Now => snapshot.product.as_deref() == wanted && pending.is_none(),
        Timing::PeriodEnd => {
            pending == Some(wanted) || (pending.is_none() && snapshot.product.as_deref() == wanted)
        }
    }
}

/// The request for one page of the subscriptions there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    let query = json!({"page": plan::number(cursor), "limit": 100});
    wire::get(call, "/v1/subscriptions/", &query)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, cursor: Option<&str>, reply: Reply) -> Outcome {
    let page = plan::number(cursor);
    let listed = reply.and_then(|value| {
        let items = reply::items(&value, "/items")?;
        let more = int(&value, "/pagination/max_page").is_some_and(|last| page < last);
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
