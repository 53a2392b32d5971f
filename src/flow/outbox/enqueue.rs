//! Writing jobs into the outbox, in the transaction that wants them.
//!
//! Called by every flow that a provider must hear of. Invariants: ids of one session only grow, so
//! that jobs of a lane, which are written under their customer's lock, are sent in the order in
//! which they were wanted; what is made once has one row, however often it is asked for.

use super::job::Job;
use crate::backend::{clock, random, wake};
use crate::db;
use crate::db::outbox::New;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::ids;
use serde_json::Value;
use std::cell::Cell;
use uuid::Uuid;

/// Whose job it is.
#[derive(Debug, Clone, Copy)]
pub struct Whose {
    pub organization_id: Uuid,
    /// The account that is asked.
    pub account_id: Uuid,
    /// The customer it concerns, where it concerns one.
    pub customer_id: Option<Uuid>,
}

thread_local! {
    /// The moment of the last id that this session made.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Writes a job that is due at `not_before`, in real time; the worker is told at commit.
///
/// # Errors
/// As the statement.
pub fn enqueue(whose: &Whose, job: &Job, not_before: DateTime<Utc>) -> Result<Uuid> {
    let (id, at) = next_id()?;
    write(id, whose, job, not_before, at)?;
    Ok(id)
}

/// Writes a job that makes something once, or finds the row that is at it already.
///
/// `generation` counts the links to it that have become stale. A row that has ended without a link
/// begins anew.
///
/// # Errors
/// As the statement.
pub fn enqueue_once(
    whose: &Whose,
    job: &Job,
    generation: i64,
    not_before: DateTime<Utc>,
) -> Result<Uuid> {
    let Some(name) = job.once() else {
        return enqueue(whose, job, not_before);
    };
    let id = ids::derived(whose.account_id, &format!("{name}:{generation}"));
    let at = clock::wall_time();
    if !write(id, whose, job, not_before, at)? {
        db::outbox::revive(id, at)?;
    }
    Ok(id)
}

/// An id after every other one of this session, and its time.
///
/// The wall clock of this very moment, under the lock that the caller holds: a call's own time was
/// read before it waited for that lock, and would put its job before those of the call it waited for.
fn next_id() -> Result<(Uuid, DateTime<Utc>)> {
    let at = clock::wall_time();
    let moment = ids::moment(at).max(LAST.get().saturating_add(1));
    LAST.set(moment);
    Ok((ids::sequential(moment, random::ten_bytes()?), at))
}

/// Writes the row; false when there is one with that id.
fn write(
    id: Uuid,
    whose: &Whose,
    job: &Job,
    not_before: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let account_id = whose.account_id;
    let json = serde_json::to_value(job).map_err(|_| Error::internal("a job is no JSON"))?;
    // The word of the column is the one that the JSON begins with.
    let kind = json.get("job").and_then(Value::as_str).unwrap_or_default();
    let row = New {
        id,
        organization_id: whose.organization_id,
        account_id,
        customer_id: whose.customer_id,
        kind: kind.to_owned(),
        subject_id: job.subject(account_id),
        lane: job.lane(account_id).unwrap_or(id),
        job: json,
        not_before,
    };
    wake::note_call();
    db::outbox::insert(&row, at)
}
