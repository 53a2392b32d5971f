//! What a person does with a job: have it tried again, or give it up.
//!
//! Called by the API. Invariants: a job on its way is left alone; what may have been carried out is
//! still looked for before it is repeated, whoever asks for the repetition.

use super::desk::Desk;
use crate::backend::wake;
use crate::db;
use crate::db::outbox::{Problem, Row, State};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::text;
use uuid::Uuid;

/// Longest reason, in characters.
const REASON_LENGTH: usize = 500;

/// Has a job tried again at once, with as many attempts as a new one.
///
/// # Errors
/// `42704` unknown job; `55000` when it is done, on its way, or waits for another one.
pub fn retry(context: &Context, id: Uuid) -> Result<()> {
    let mut row = open(context, id)?;
    if let Some(other) = row.waits_for {
        return Err(
            Error::wrong_state(format!("job {id} waits for job {other}"))
                .hint("Have that one tried again."),
        );
    }
    row.state = State::Queued;
    row.attempts = 0;
    row.next_at = context.caller.at;
    row.lease_until = None;
    row.problem = Problem::default();
    wake::note_call();
    db::outbox::store(&row, context.caller.at)
}

/// Gives a job up: what waited for it fails, and it is repeated no more.
///
/// # Errors
/// `22004` without a reason; as [`retry`].
pub fn drop(context: &Context, id: Uuid, reason: Option<&str>) -> Result<()> {
    let reason = reason.ok_or_else(|| Error::null_argument("reason"))?;
    let reason = text::bounded("reason", reason, REASON_LENGTH)?;
    let row = open(context, id)?;
    wake::note_call();
    Desk::new(&context.caller, row)?.give_up(reason)
}

/// The job, locked, if something can be done about it.
fn open(context: &Context, id: Uuid) -> Result<Row> {
    let own = |row: &Row| row.organization_id == context.organization.id;
    let row = db::outbox::lock(id)?.filter(own).ok_or_else(|| {
        Error::undefined(format!("job {id} does not exist"))
            .hint("Jobs are rows of owo.outbox; owo.queue_status tells which need a person.")
    })?;
    if row.state == State::Done {
        return Err(Error::wrong_state(format!("job {id} is done")));
    }
    if row
        .lease_until
        .is_some_and(|until| until > context.caller.at)
    {
        return Err(
            Error::wrong_state(format!("job {id} is on its way to the provider"))
                .hint("Wait until it has been answered, two minutes at most."),
        );
    }
    Ok(row)
}
