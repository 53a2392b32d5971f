//! The outbox: what providers must hear of, written with the change, sent afterwards.
//!
//! A job is enqueued in the transaction that wants it. The worker takes it up in one transaction,
//! calls the provider in none, and records the answer in another. Invariants: a request is on its
//! way only after the row that says so was flushed; whatever happens in between is read as a lost
//! answer, which is looked after before anything is repeated.
//!
//! Two neighbours decide, each called in the transaction of the row, which is locked:
//! - `plan::plan(context, work) -> Result<Planned>` turns a job into what is sent, or names what
//!   must be done first, or says that nothing is to be done any more.
//! - `flow::apply` makes rows of what came of it, each with `(context, work, ..., at)`:
//!   `answer(.., &Object, at) -> Result<()>`, `declined(.., &Failure, at) -> Result<()>` when the
//!   bank said no, `refused(.., &Failure, at) -> Result<()>` when the job is dead,
//!   `missing(.., ObjectKind, at) -> Result<()>` when a link is stale, and
//!   `exists(.., &Failure, at) -> Result<bool>`, which says whether the goal is reached all the same.

pub mod claim;
mod desk;
pub mod enqueue;
pub mod job;
pub mod operate;
pub mod plan;
pub mod record;

use chrono::Duration;
use enqueue::Whose;
use job::Job;
use owostack_provider::Provider;
use owostack_provider::account::Environment;
use owostack_provider::operation::Operation;
use owostack_provider::outcome::Failure;
use uuid::Uuid;

/// How long a row belongs to the worker that sends for it; longer than any call takes.
const LEASE: Duration = Duration::seconds(120);

/// A job that was taken up.
#[allow(
    dead_code,
    reason = "what applies answers, which follows, reads all of it"
)]
pub struct Work {
    /// Id of its row.
    pub id: Uuid,
    pub whose: Whose,
    pub provider: &'static dyn Provider,
    pub environment: Environment,
    pub job: Job,
    /// What was sent; None before it is planned.
    pub operation: Option<Operation>,
}

/// What becomes of a job.
#[derive(Debug, Clone)]
pub enum Planned {
    /// This is sent; fixed for ever, since a key of the provider stands for one request.
    Operation(Box<Operation>),
    /// These jobs, enqueued with `enqueue_once`, come first.
    WaitFor(Vec<Uuid>),
    /// Nothing is to be done any more, for this reason.
    Obsolete(String),
    /// It cannot be done as things are, such as without an e-mail address: dead, and told to
    /// `flow::apply::refused` before anything is sent.
    Refused(Failure),
}
