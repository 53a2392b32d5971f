//! What a provider says becomes rows: effects of webhooks, and objects in answers to our calls.
//!
//! Called by `flow/webhook` for each effect of an event and by `flow/outbox` for what came of a job.
//! Invariants: the customer's lock comes first, the latest snapshot second; what is older than what
//! we know changes nothing; one sum of money, one checkout and one end have one effect, however
//! often and in whatever order they are told; a provider is never told what it told us.

use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::outbox::Work;
use chrono::{DateTime, Utc};
use owostack_provider::event::Effect;
use owostack_provider::object::{Object, ObjectKind, ObjectRef};
use owostack_provider::outcome::Failure;
use uuid::Uuid;

/// The account that something comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub account_id: Uuid,
    /// Code of the provider.
    pub provider: &'a str,
}

/// What became of one effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Rows say so now; in words for a person.
    Done(String),
    /// Nothing follows from it, for this reason.
    Skipped(String),
    /// Its cause is not known yet.
    Park {
        reason: String,
        /// What must be linked first, as `kind:external id`.
        waits_for: Option<String>,
    },
    /// Two customers are meant: a person must look.
    Conflict(String),
    /// This object must be fetched first.
    Look(ObjectRef),
}

/// Makes rows of one effect; `known` is the customer of the job that it answers.
///
/// # Errors
/// As the statements.
pub fn effect(
    _context: &Context,
    _source: Source,
    _known: Option<Uuid>,
    _effect: &Effect,
) -> Result<Applied> {
    Err(Error::internal("nothing is applied yet"))
}

/// Makes rows of what a job ended with; `at` is when it was asked for, in real time.
///
/// # Errors
/// As [`effect`].
pub fn answer(
    _context: &Context,
    _work: &Work,
    _object: &Object,
    _at: DateTime<Utc>,
) -> Result<()> {
    Err(Error::internal("nothing is applied yet"))
}

/// The customer's bank or card said no.
///
/// # Errors
/// As [`effect`].
pub fn declined(
    _context: &Context,
    _work: &Work,
    _failure: &Failure,
    _at: DateTime<Utc>,
) -> Result<()> {
    Err(Error::internal("nothing is applied yet"))
}

/// The job is dead: what waited for it ends.
///
/// # Errors
/// As [`effect`].
pub fn refused(
    _context: &Context,
    _work: &Work,
    _failure: &Failure,
    _at: DateTime<Utc>,
) -> Result<()> {
    Err(Error::internal("nothing is applied yet"))
}

/// The provider does not know an object any more that the job's operation names.
///
/// # Errors
/// As [`effect`].
pub fn missing(
    _context: &Context,
    _work: &Work,
    _object: ObjectKind,
    _at: DateTime<Utc>,
) -> Result<()> {
    Err(Error::internal("nothing is applied yet"))
}

/// It has been done before, and not by this job; whether its goal is reached all the same.
///
/// # Errors
/// As [`effect`].
pub fn exists(
    _context: &Context,
    _work: &Work,
    _failure: &Failure,
    _at: DateTime<Utc>,
) -> Result<bool> {
    Err(Error::internal("nothing is applied yet"))
}
