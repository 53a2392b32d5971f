//! Taking jobs up: what is due, and what is sent for it.
//!
//! Called by the worker, each claim in a transaction of its own, which is flushed before the request
//! goes out. Invariants: a row is sent by one worker at a time; what may be on its way already is
//! read as a lost answer first; the operation of a row is fixed before its first request.

use super::desk::{self, Desk};
use super::record::{self, Recorded};
use super::{LEASE, Planned, plan};
use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::outbox::{Due, Problem, State};
use crate::error::{Error, Result};
use crate::flow::provider::account;
use chrono::{DateTime, Duration, Utc};
use owostack_provider::Provider;
use owostack_provider::account::Account;
use owostack_provider::answer::Answer;
use owostack_provider::call::Call;
use owostack_provider::operation::Operation;
use owostack_provider::outcome::{Failure, Refusal};
use owostack_provider::progress::Progress;
use owostack_provider::request::Request;
use uuid::Uuid;

/// How long an account rests whose credentials cannot be opened.
const UNOPENED: Duration = Duration::minutes(1);
/// How long a job waits whose dependencies are done and whose plan still asks for them.
const PUZZLED: Duration = Duration::minutes(1);

/// A request with all that its answer is read with; kept by the worker while it is on its way.
pub struct Sending {
    pub id: Uuid,
    pub account_id: Uuid,
    pub provider: &'static dyn Provider,
    pub account: Account,
    pub operation: Operation,
    pub progress: Progress,
    /// When the request was built.
    pub at: DateTime<Utc>,
    /// Until when the row is ours.
    pub lease_until: DateTime<Utc>,
    /// Requests that this worker has sent for the row.
    pub steps: u32,
}

impl Sending {
    /// The call that the request is part of.
    pub fn call(&self) -> Call<'_> {
        Call {
            account: &self.account,
            operation: &self.operation,
            id: self.id,
            progress: &self.progress,
            at: self.at,
        }
    }

    /// The request to be sent.
    ///
    /// # Errors
    /// When the provider cannot do it.
    pub fn request(&self) -> std::result::Result<Request, Refusal> {
        self.provider.request(&self.call())
    }
}

/// What came of a claim.
pub enum Claimed {
    Send(Box<Sending>, Box<Request>),
    /// Nothing is to be sent for it now.
    Nothing,
    /// Somebody else has the row.
    Taken,
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Look {
    pub due: Vec<Due>,
    /// When there will be something else.
    pub next_at: Option<DateTime<Utc>>,
}

/// Jobs to be claimed, at most so many, apart from those of accounts to be held back.
///
/// # Errors
/// As `spi::read`.
pub fn look(caller: &Caller, limit: usize, held_back: Vec<Uuid>) -> Result<Look> {
    let snapshot = Snapshot::latest()?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(Look {
        due: db::outbox::due(&snapshot, caller.at, limit, held_back)?,
        next_at: db::outbox::next_after(&snapshot, caller.at)?,
    })
}

/// Takes one job up.
///
/// # Errors
/// As the statements, the plan and `flow::apply`.
pub fn claim(caller: &Caller, due: Due) -> Result<Claimed> {
    let Some(row) = db::outbox::take_up(due.id, caller.at)? else {
        return Ok(Claimed::Taken);
    };
    let mut desk = Desk::new(caller, row)?;
    if let Some(failure) = desk.needs_dead() {
        desk.die(&failure, true)?;
        return Ok(Claimed::Nothing);
    }
    let opened = account::open(&Snapshot::latest()?, &desk.account);
    let account = match opened {
        Ok(account) => account,
        Err(error) => {
            let until = caller.at + UNOPENED;
            db::provider::account::rest(desk.account.id, until, error.message(), caller.at)?;
            return Ok(Claimed::Nothing);
        }
    };
    if desk.row.is_sending
        && let Some(operation) = desk.work.operation.clone()
    {
        let sending = sending(&desk, account, operation)?;
        let lost = Answer::Lost("the worker ended before the answer came".to_owned());
        let recorded = record::conclude(&mut desk, &sending, &lost, 0)?;
        if let Recorded::Again(..) = recorded {
            return Err(Error::internal("a lost answer led to a next step"));
        }
        return Ok(Claimed::Nothing);
    }
    let Some(operation) = settle_operation(&mut desk)? else {
        return Ok(Claimed::Nothing);
    };
    let mut sending = sending(&desk, account, operation)?;
    match sending.request() {
        Ok(request) => {
            desk.row.progress = Some(desk::write(&sending.progress)?);
            sending.lease_until = desk.send()?;
            Ok(Claimed::Send(Box::new(sending), Box::new(request)))
        }
        Err(refusal) => {
            desk.die(&failure_of(&refusal), true)?;
            Ok(Claimed::Nothing)
        }
    }
}

/// The operation of a row, planned now if it was not before; None when it is not to be sent now.
fn settle_operation(desk: &mut Desk) -> Result<Option<Operation>> {
    if let Some(operation) = &desk.work.operation {
        return Ok(Some(operation.clone()));
    }
    match plan::plan(&desk.context, &desk.work)? {
        Planned::Operation(operation) => {
            // What was sent for an earlier plan had keys of its own.
            if let Some(earlier) = &desk.row.progress {
                let earlier: Progress = desk::read(earlier, "progress")?;
                desk.row.progress = Some(desk::write(&earlier.renewed("", desk.at))?);
            }
            desk.fix((*operation).clone())?;
            Ok(Some(*operation))
        }
        Planned::WaitFor(needed) => {
            wait_for(desk, &needed)?;
            Ok(None)
        }
        Planned::Obsolete(reason) => {
            let problem = Problem {
                text: Some(reason),
                ..Problem::default()
            };
            desk.done(problem)?;
            Ok(None)
        }
        Planned::Refused(failure) => {
            desk.die(&failure, true)?;
            Ok(None)
        }
    }
}

/// Has the row wait for the first of the jobs that is not done.
fn wait_for(desk: &mut Desk, needed: &[Uuid]) -> Result<()> {
    for id in needed {
        let open = db::outbox::lock(*id)?.filter(|row| !row.state.is_over());
        if open.is_some() {
            desk.row.state = State::Waiting;
            desk.row.waits_for = Some(*id);
            desk.row.lease_until = None;
            return desk.store();
        }
    }
    let problem = Problem {
        text: Some("what it needs is done, and not there".to_owned()),
        ..Problem::default()
    };
    desk.put_off(desk.at + PUZZLED, problem)
}

fn sending(desk: &Desk, account: Account, operation: Operation) -> Result<Sending> {
    let progress = match &desk.row.progress {
        Some(json) => desk::read(json, "progress")?,
        None => Progress::start(desk.at),
    };
    // A request that may be on its way was built when its row was written.
    let at = if desk.row.is_sending {
        desk.row.updated_at
    } else {
        desk.at
    };
    Ok(Sending {
        id: desk.row.id,
        account_id: desk.row.account_id,
        provider: desk.work.provider,
        account,
        operation,
        progress,
        at,
        lease_until: desk.at + LEASE,
        steps: 0,
    })
}

/// A refusal in the words of a failure.
pub fn failure_of(refusal: &Refusal) -> Failure {
    Failure::new(0, Some("refused"), &refusal.message)
}
