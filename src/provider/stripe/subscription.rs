//! Stripe's subscriptions: changed, ended, kept, paused, resumed, listed.
//!
//! Every operation on one that exists reads it first: a schedule in the way is released, an end
//! that came already is an answer, and a repeat after a lost answer sees what was done.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{flag, id, int, list, text};
use crate::object::{Object, ObjectKind, Snapshot, SnapshotPage};
use crate::operation::{ChangeDraft, Operation, Proration, Timing};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::progress::Progress;
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The subscription of an answer is the end.
pub(super) fn finished(call: &Call<'_>, value: &Value) -> Outcome {
    object::snapshot(value).map_or_else(
        || Problem::incomplete().repeat(call),
        |snapshot| done(Object::Subscription(snapshot)),
    )
}

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
    let subscription = target(call.operation);
    let own = path("/v1/subscriptions/{}", &[subscription])?;
    let schedule = |template| path(template, &[call.noted("schedule")]);
    Ok(match call.step() {
        "release" => wire::post(
            call,
            schedule("/v1/subscription_schedules/{}/release")?,
            &json!({}),
        ),
        "schedule" => wire::post(
            call,
            "/v1/subscription_schedules",
            &json!({"from_subscription": subscription}),
        ),
        "schedule_read" => wire::get(
            call,
            &schedule("/v1/subscription_schedules/{}")?,
            &Value::Null,
        ),
        "phases" => {
            let path = schedule("/v1/subscription_schedules/{}")?;
            wire::post(call, path, &phases(call)?)
        }
        "update" => wire::post(call, own, &update(call)?),
        "delete" => wire::delete(call, own),
        "pause" => wire::post(call, format!("{own}/pause"), &json!({})),
        "resume" => wire::post(call, format!("{own}/resume"), &json!({})),
        _ => wire::get(call, &own, &Value::Null),
    })
}

fn change<'a>(call: &Call<'a>) -> Result<&'a ChangeDraft, Refusal> {
    match call.operation {
        Operation::ChangeSubscription(draft) => Ok(draft),
        _ => Err(Refusal::invalid("the step belongs to another operation")),
    }
}

fn price(draft: &ChangeDraft) -> &str {
    draft.plan.price.as_deref().unwrap_or(&draft.plan.product)
}

/// The body that changes the subscription itself.
fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    match call.operation {
        Operation::ChangeSubscription(draft) => Ok(json!({
            // Without its id the item would be added beside the old one.
            "items": [{
                "id": call.noted("item"), "price": price(draft), "quantity": draft.quantity,
            }],
            "proration_behavior": match draft.proration {
                Proration::ChargeNow => "always_invoice",
                Proration::NextInvoice => "create_prorations",
                Proration::None => "none",
            },
            "payment_behavior": "error_if_incomplete",
            "cancel_at_period_end": call.progress.get("cancels").map(|_| false),
            "metadata": draft.tags.metadata(),
        })),
        Operation::CancelSubscription { .. } => Ok(json!({"cancel_at_period_end": true})),
        // An end at a date of its own is cleared by an empty value.
        Operation::KeepSubscription { .. } if call.progress.get("dated").is_some() => {
            Ok(json!({"cancel_at": ""}))
        }
        _ => Ok(json!({"cancel_at_period_end": false})),
    }
}

/// The body that gives a schedule the running phase and the next one.
fn phases(call: &Call<'_>) -> Result<Value, Refusal> {
    let draft = change(call)?;
    let metadata = draft.tags.metadata();
    Ok(json!({
        "end_behavior": "release",
        "phases": [
            {
                "start_date": call.progress.get("start"),
                "end_date": call.progress.get("end"),
                "items": [{
                    "price": call.progress.get("price"),
                    "quantity": call.progress.get("quantity"),
                }],
            },
            {
                "items": [{"price": price(draft), "quantity": draft.quantity}],
                "proration_behavior": "none",
                // When it is over the schedule lets go, and the subscription renews by its price.
                "duration": {"interval": "month", "interval_count": 1},
                "metadata": metadata,
            },
        ],
    }))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    let value = match (call.step(), reply) {
        (_, Ok(value)) => value,
        // It ended in between.
        ("delete", Err(problem)) if matches!(problem.fault, Fault::Missing(_)) => {
            return Outcome::Next(call.progress.at("confirm"));
        }
        ("" | "confirm" | "schedule_read", Err(problem)) => return problem.repeat(call),
        // Reading again tells what was done.
        (_, Err(problem)) if problem.is_stuck() => {
            return renewed(problem, call);
        }
        (_, Err(problem)) => return problem.repeat(call),
    };
    match call.step() {
        "" => begun(call, &value),
        "release" if id(&value, "/id").is_none() => Problem::incomplete().repeat(call),
        "release" => Outcome::Next(call.progress.at(after_release(call.operation))),
        "schedule" | "schedule_read" => scheduled(call, &value),
        "phases" => Outcome::Next(call.progress.at("confirm")),
        _ => finished(call, &value),
    }
}

/// Starts over under a new key.
fn renewed(problem: Problem, call: &Call<'_>) -> Outcome {
    match problem.look(call, "") {
        Outcome::Retry {
            after_seconds,
            failure,
            ..
        } => Outcome::Retry {
            after_seconds,
            progress: call.progress.renewed("", call.at),
            failure,
        },
        other => other,
    }
}

const fn after_release(operation: &Operation) -> &'static str {
    match operation {
        Operation::CancelSubscription {
            timing: Timing::Now,
            ..
        } => "delete",
        Operation::UndoChange { .. } => "confirm",
        _ => "update",
    }
}

/// What is due for a subscription as it is.
fn begun(call: &Call<'_>, value: &Value) -> Outcome {
    let Some(snapshot) = object::snapshot(value) else {
        return Problem::incomplete().repeat(call);
    };
    let mut progress = call.progress.clone();
    let schedule = id(value, "/schedule");
    if let Some(schedule) = &schedule {
        progress = progress.note("schedule", schedule);
    }
    let free = schedule.is_none();
    match call.operation {
        _ if snapshot.status.has_ended() => match call.operation {
            Operation::CancelSubscription { .. } => done(Object::Subscription(snapshot)),
            _ => ended(),
        },
        Operation::ChangeSubscription(draft) => changing(draft, value, snapshot, progress),
        Operation::CancelSubscription { timing, .. } => match timing {
            Timing::PeriodEnd if snapshot.cancels && free => done(Object::Subscription(snapshot)),
            _ if !free => Outcome::Next(progress.at("release")),
            Timing::Now => Outcome::Next(progress.at("delete")),
            Timing::PeriodEnd => Outcome::Next(progress.at("update")),
        },
        Operation::UndoChange { .. } if !free => Outcome::Next(progress.at("release")),
        Operation::KeepSubscription { .. } if flag(value, "/cancel_at_period_end") => {
            Outcome::Next(progress.at("update"))
        }
        Operation::KeepSubscription { .. } if snapshot.cancels => {
            Outcome::Next(progress.note("dated", "1").at("update"))
        }
        Operation::PauseSubscription { .. } if text(value, "/status") != Some("paused") => {
            Outcome::Next(progress.at("pause"))
        }
        Operation::ResumeSubscription { .. } if text(value, "/status") == Some("paused") => {
            Outcome::Next(progress.at("resume"))
        }
        _ => done(Object::Subscription(snapshot)),
    }
}

fn ended() -> Outcome {
    Outcome::Invalid(Failure::new(
        200,
        Some("subscription_ended"),
        "the subscription has ended",
    ))
}

/// What is due for a change of plan.
fn changing(draft: &ChangeDraft, value: &Value, snapshot: Snapshot, progress: Progress) -> Outcome {
    let same = snapshot.price.as_deref() == Some(price(draft))
        && snapshot.quantity.unwrap_or(1) == draft.quantity;
    let scheduled = progress.get("schedule").is_some();
    let progress = match id(value, "/items/data/0/id") {
        Some(item) => progress.note("item", item),
        None => progress,
    };
    let progress = if snapshot.cancels {
        progress.note("cancels", "1")
    } else {
        progress
    };
    match draft.timing {
        _ if same && !scheduled => done(Object::Subscription(snapshot)),
        Timing::Now if scheduled => Outcome::Next(progress.at("release")),
        Timing::Now => Outcome::Next(progress.at("update")),
        Timing::PeriodEnd if scheduled => Outcome::Next(progress.at("schedule_read")),
        Timing::PeriodEnd => Outcome::Next(progress.at("schedule")),
    }
}

/// Takes the running phase of a schedule over.
fn scheduled(call: &Call<'_>, value: &Value) -> Outcome {
    let current = unix_text(value, "/current_phase/start_date");
    let phase = list(value, "/phases")
        .iter()
        .find(|phase| current.is_none() || unix_text(phase, "/start_date") == current);
    let found = phase.and_then(|phase| {
        Some((
            id(value, "/id")?,
            unix_text(phase, "/start_date")?,
            unix_text(phase, "/end_date")?,
            id(phase, "/items/0/price")?,
        ))
    });
    if id(value, "/id").is_none() {
        return Problem::incomplete().repeat(call);
    }
    let (Some((schedule, start, end, price)), Some(phase)) = (found, phase) else {
        return Outcome::Missing {
            object: ObjectKind::Subscription,
            failure: Failure::new(200, None, "the schedule has no running phase"),
        };
    };
    let quantity = int(phase, "/items/0/quantity").unwrap_or(1);
    Outcome::Next(
        call.progress
            .at("phases")
            .note("schedule", schedule)
            .note("start", start)
            .note("end", end)
            .note("price", price)
            .note("quantity", quantity.to_string()),
    )
}

fn unix_text(value: &Value, path: &str) -> Option<String> {
    int(value, path).map(|seconds| seconds.to_string())
}

/// The request for one page of the subscriptions there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    let query = json!({"status": "all", "limit": 100, "starting_after": cursor});
    wire::get(call, "/v1/subscriptions", &query)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, _: Option<&str>, reply: Reply) -> Outcome {
    let page = reply.and_then(|value| {
        let items = reply::items(&value, "/data")?;
        Ok(SnapshotPage {
            subscriptions: items.iter().filter_map(object::snapshot).collect(),
            next: items
                .last()
                .and_then(|item| id(item, "/id"))
                .filter(|_| flag(&value, "/has_more")),
        })
    });
    page.map_or_else(
        |problem: Problem| problem.repeat(call),
        |page| done(Object::Subscriptions(page)),
    )
}
