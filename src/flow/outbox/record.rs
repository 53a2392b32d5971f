//! Recording answers: what an outcome does to its row, its account and our other rows.
//!
//! Called by the worker when an answer has come, and by `claim` for one that never will. Invariants:
//! an answer is recorded by who still holds the row's lease, in the transaction that applies it; what
//! is not known is looked for, never repeated blindly; a job that ends, ends with a reason.

use super::claim::{Sending, failure_of};
use super::desk::{self, Desk, problem_of};
use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::outbox::{Problem, State};
use crate::error::Result;
use crate::flow::apply;
use crate::flow::provider::account;
use crate::meter;
use chrono::{DateTime, Duration, Utc};
use owostack_domain::pace;
use owostack_provider::answer::Answer;
use owostack_provider::call::STEPS_MAX;
use owostack_provider::object::ObjectKind;
use owostack_provider::outcome::{Failure, Outcome};
use owostack_provider::progress::Progress;
use owostack_provider::request::Request;

/// After so many failures a job is dead.
const ATTEMPTS_MAX: i32 = 25;
/// So is one that has failed a few times and is older than this.
const AGE_MAX: Duration = Duration::days(3);
const ATTEMPTS_OF_OLD: i32 = 5;
/// How long an account rests that was told to slow down without being told for how long.
const SLOW_DOWN_SECONDS: u32 = 30;
/// Error code of a row whose link was stale: it is planned anew once.
const STALE: &str = "link_was_stale";

/// What came of recording an answer.
pub enum Recorded {
    /// The row is up to date; whether it went well.
    Over { good: bool },
    /// The next request of the operation.
    Again(Box<Sending>, Box<Request>),
    /// The account's key was refused and it rests now; false when it did before.
    Unauthorized { begins: bool },
    /// Somebody works on the customer; nothing was recorded.
    Busy,
}

/// Records the answer to a request; `patient` waits for who works on the customer. `refusals` is how
/// often the account's key was refused in a row before.
///
/// # Errors
/// As the statements and `flow::apply`.
pub fn record(
    caller: &Caller,
    sending: &Sending,
    answer: &Answer,
    refusals: u32,
    patient: bool,
) -> Result<Recorded> {
    let ours = |row: &db::outbox::Row| {
        row.state == State::Running && row.lease_until == Some(sending.lease_until)
    };
    let Some(row) = db::outbox::lock(sending.id)?.filter(ours) else {
        return Ok(Recorded::Over { good: false });
    };
    if let Some(customer_id) = row.customer_id {
        if patient {
            meter::lock_customer(customer_id);
        } else if !meter::try_lock_customer(customer_id) {
            return Ok(Recorded::Busy);
        }
    }
    let mut desk = Desk::new(caller, row)?;
    conclude(&mut desk, sending, answer, refusals)
}

/// The same for a row that is laid out.
///
/// # Errors
/// As [`record`].
pub fn conclude(
    desk: &mut Desk,
    sending: &Sending,
    answer: &Answer,
    refusals: u32,
) -> Result<Recorded> {
    let over = |good| Ok(Recorded::Over { good });
    match sending.provider.read(&sending.call(), answer) {
        Outcome::Done(object) => {
            apply::answer(&desk.context, &desk.work, &object, asked_at(desk, sending))?;
            desk.done(Problem::default())?;
            db::provider::account::wake(desk.account.id, desk.at)?;
            over(true)
        }
        Outcome::Next(progress) => next(desk, sending, progress),
        Outcome::Declined(failure) => {
            apply::declined(&desk.context, &desk.work, &failure, desk.at)?;
            desk.done(problem_of(&failure))?;
            over(true)
        }
        Outcome::RateLimited {
            after_seconds,
            progress,
            failure,
        } => {
            rest_a_while(desk, after_seconds, &failure)?;
            fail(desk, Some(progress), after_seconds, &failure, false)?;
            over(false)
        }
        Outcome::Retry {
            after_seconds,
            progress,
            failure,
        } => {
            fail(desk, Some(progress), after_seconds, &failure, true)?;
            over(false)
        }
        Outcome::Invalid(failure) => {
            desk.die(&failure, true)?;
            over(false)
        }
        Outcome::Unauthorized(failure) => unauthorized(desk, sending, &failure, refusals),
        Outcome::Missing { object, failure } => {
            missing(desk, object, &failure)?;
            over(false)
        }
        Outcome::Exists(failure) => {
            let reached = apply::exists(&desk.context, &desk.work, &failure, desk.at)?;
            if reached {
                desk.done(problem_of(&failure))?;
            } else {
                desk.die(&failure, true)?;
            }
            over(reached)
        }
    }
}

/// When an answer was asked for, by the clock that dates the organization's webhooks: a sandbox's
/// stands still between calls, so that it still is what it was.
fn asked_at(desk: &Desk, sending: &Sending) -> DateTime<Utc> {
    desk.context.organization.clock_at.unwrap_or(sending.at)
}

/// The next request, in the same lease taken anew.
fn next(desk: &mut Desk, sending: &Sending, progress: Progress) -> Result<Recorded> {
    let steps = sending.steps.saturating_add(1);
    if steps >= STEPS_MAX {
        let failure = Failure::new(0, None, &format!("it takes more than {STEPS_MAX} requests"));
        desk.die(&failure, false)?;
        return Ok(Recorded::Over { good: false });
    }
    desk.row.progress = Some(desk::write(&progress)?);
    let mut sending = Sending {
        id: sending.id,
        account_id: sending.account_id,
        provider: sending.provider,
        account: sending.account.clone(),
        operation: sending.operation.clone(),
        progress,
        at: desk.at,
        lease_until: sending.lease_until,
        steps,
    };
    match sending.request() {
        Ok(request) => {
            sending.lease_until = desk.send()?;
            Ok(Recorded::Again(Box::new(sending), Box::new(request)))
        }
        Err(refusal) => {
            desk.die(&failure_of(&refusal), false)?;
            Ok(Recorded::Over { good: false })
        }
    }
}

/// Puts the job off, or lets it die when it has failed too often.
fn fail(
    desk: &mut Desk,
    progress: Option<Progress>,
    after_seconds: Option<u32>,
    failure: &Failure,
    counts: bool,
) -> Result<()> {
    if let Some(progress) = progress {
        desk.row.progress = Some(desk::write(&progress)?);
    }
    if counts {
        desk.row.attempts = desk.row.attempts.saturating_add(1);
    }
    let attempts = desk.row.attempts;
    let old = desk.at - desk.row.created_at > AGE_MAX && attempts >= ATTEMPTS_OF_OLD;
    if attempts > ATTEMPTS_MAX || old {
        // What it did is not known: a retry goes on where it stopped.
        return desk.die(failure, false);
    }
    let number = u32::try_from(attempts).unwrap_or_default();
    let wait = pace::wait(desk.row.id, number, after_seconds);
    desk.put_off(desk.at + wait, problem_of(failure))
}

/// Lets the account rest that was told to slow down.
fn rest_a_while(desk: &Desk, after_seconds: Option<u32>, failure: &Failure) -> Result<()> {
    let seconds = after_seconds.unwrap_or(SLOW_DOWN_SECONDS);
    let until = desk.at + Duration::seconds(seconds.into());
    let reason = format!("the provider asks to slow down: {failure}");
    db::provider::account::rest(desk.account.id, until, &reason, desk.at).map(|_| ())
}

fn unauthorized(
    desk: &mut Desk,
    sending: &Sending,
    failure: &Failure,
    refusals: u32,
) -> Result<Recorded> {
    // A request that was under way while the key was changed says nothing of the new one.
    let known = account::open(&Snapshot::latest()?, &desk.account);
    if known.is_ok_and(|now| now.secret_key.expose() != sending.account.secret_key.expose()) {
        desk.put_off(desk.at, problem_of(failure))?;
        return Ok(Recorded::Over { good: false });
    }
    let until: DateTime<Utc> = desk.at + pace::rest(refusals.saturating_add(1));
    let reason = format!("the provider refuses the key: {failure}");
    let begins = db::provider::account::rest(desk.account.id, until, &reason, desk.at)?;
    // The account's rest holds the row back; a new key lets it go at once.
    desk.put_off(desk.at, problem_of(failure))?;
    Ok(Recorded::Unauthorized { begins })
}

/// A link is stale: planned anew once, with a new link.
fn missing(desk: &mut Desk, object: ObjectKind, failure: &Failure) -> Result<()> {
    if desk.row.problem.code.as_deref() == Some(STALE) {
        return desk.die(failure, true);
    }
    apply::missing(&desk.context, &desk.work, object, desk.at)?;
    desk.row.operation = None;
    desk.row.attempts = desk.row.attempts.saturating_add(1);
    let problem = Problem {
        code: Some(STALE.to_owned()),
        ..problem_of(failure)
    };
    desk.put_off(desk.at, problem)
}
