//! Webhooks that were believed become rows, a few of them in one transaction.
//!
//! A task of `flow::round`. Invariants: an event and its mark are written together, each in a
//! subtransaction of its own, so that one that fails holds up nobody; events are tried in the order
//! in which they came, and nothing depends on it; whoever works on the customer is not waited for;
//! what waits for something is tried again when that comes, and now and then until it is given up.

use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::backend::wake;
use crate::backend::{clock, subtransaction};
use crate::db;
use crate::db::organization::Organization;
use crate::db::webhook::{Event as Row, Outcome, Status};
use crate::error::{Error, Result};
use crate::flow::apply::{self, Applied, Knowledge, Source};
use crate::flow::context::Context;
use crate::flow::outbox::enqueue::{Whose, enqueue};
use crate::flow::outbox::job::Job;
use crate::flow::provider::account;
use crate::flow::text;
use chrono::{DateTime, TimeDelta, Utc};
use owostack_provider::answer::Headers;
use owostack_provider::event::Event;
use owostack_provider::object::ObjectRef;
use owostack_provider::webhook::Delivery;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// Events of one transaction.
const BATCH: i64 = 100;
/// First pause of an event that must wait; it doubles with each try.
const PAUSE_SECONDS: i64 = 5;
const PAUSE_SECONDS_MAX: i64 = 3_600;
/// Pauses that make up three days.
const ATTEMPTS_MAX: i32 = 81;
/// Pause of an event whose customer somebody works on.
const BUSY_MILLIS: i64 = 500;
/// Longest text of an error that is kept.
const TEXT_LENGTH: usize = 1_000;

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Batch {
    /// Events that were closed, or put off with a reason.
    pub tried: i64,
    /// Events whose customers somebody works on.
    pub busy: i64,
}

/// Applies the events that are due, at most a batch.
///
/// # Errors
/// As the statements beside the events themselves.
pub fn apply_due(caller: &Caller) -> Result<Batch> {
    let now = clock::wall_time();
    let mut batch = Batch::default();
    let mut organizations = HashMap::new();
    let ids = db::webhook::due(&Snapshot::latest()?, now, BATCH)?;
    let rows = db::webhook::lock_open(ids.clone())?;
    let mut rows: HashMap<Uuid, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
    for id in ids {
        let Some(row) = rows.remove(&id) else {
            batch.busy = batch.busy.saturating_add(1);
            continue;
        };
        let organization = match organizations.get(&row.organization_id) {
            Some(organization) => Organization::clone(organization),
            None => {
                let view = Snapshot::latest()?;
                let found = db::organization::find_by_id(&view, row.organization_id)?;
                let found = found.ok_or_else(|| Error::internal("a webhook of no organization"))?;
                organizations.insert(row.organization_id, found.clone());
                found
            }
        };
        let context = Context::new(*caller, organization);
        if apply_one(&context, &row, now)? {
            batch.tried = batch.tried.saturating_add(1);
        } else {
            batch.busy = batch.busy.saturating_add(1);
        }
    }
    Ok(batch)
}

/// Applies one event and says what became of it; false when it is to be tried again soon.
fn apply_one(context: &Context, row: &Row, now: DateTime<Utc>) -> Result<bool> {
    let fate = match subtransaction::run(|| Try::new(context, row)?.run()) {
        Ok(fate) => fate,
        Err(error) if error.is_retry() => Fate::busy(),
        Err(error) => Fate::broken(&error),
    };
    if fate.is_busy {
        let soon = now + TimeDelta::milliseconds(BUSY_MILLIS);
        db::webhook::put_off(row.id, soon)?;
        return Ok(false);
    }
    let given_up = fate.status == Status::Parked && row.attempts >= ATTEMPTS_MAX;
    let status = if given_up { Status::Dead } else { fate.status };
    let outcome = Outcome {
        status,
        next_at: status.is_open().then(|| now + pause(row.attempts)),
        customer_id: fate.customer_id,
        waits_for: fate.waits_for.as_deref().filter(|_| status.is_open()),
        error: fate.error.as_deref(),
        effects: json!(fate.effects),
    };
    db::webhook::mark(row.id, &outcome, now)?;
    Ok(true)
}

fn pause(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts).unwrap_or_default().min(16);
    let seconds = PAUSE_SECONDS.saturating_mul(1_i64 << doublings);
    TimeDelta::seconds(seconds.min(PAUSE_SECONDS_MAX))
}

/// What an event comes to.
struct Fate {
    status: Status,
    customer_id: Option<Uuid>,
    waits_for: Option<String>,
    error: Option<String>,
    effects: Vec<String>,
    is_busy: bool,
}

impl Fate {
    const fn new() -> Self {
        Self {
            status: Status::Applied,
            customer_id: None,
            waits_for: None,
            error: None,
            effects: Vec::new(),
            is_busy: false,
        }
    }

    fn busy() -> Self {
        Self {
            is_busy: true,
            ..Self::new()
        }
    }

    fn dead(text: &str) -> Self {
        Self {
            status: Status::Dead,
            error: Some(text.to_owned()),
            ..Self::new()
        }
    }

    /// A mistake of ours: tried again, in case it is mended.
    fn broken(error: &Error) -> Self {
        Self {
            status: Status::Parked,
            error: Some(text::storable(error.message(), TEXT_LENGTH)),
            ..Self::new()
        }
    }

    /// The worst that befell an effect is what becomes of the event.
    fn note(&mut self, applied: Applied) {
        match applied {
            Applied::Done(text) | Applied::Skipped(text) => self.effects.push(text),
            Applied::Park { reason, waits_for } => {
                if self.status == Status::Applied {
                    self.status = Status::Parked;
                    self.waits_for = waits_for;
                    self.error = Some(reason.clone());
                }
                self.effects.push(reason);
            }
            Applied::Conflict(reason) => {
                self.status = Status::Conflict;
                self.error = Some(reason.clone());
                self.effects.push(reason);
            }
            Applied::Look(object) => {
                let reason = format!("{:?} {} is being fetched", object.kind, object.id);
                if self.status != Status::Conflict {
                    self.status = Status::Parked;
                    self.waits_for = Some(apply::look(&object));
                    self.error = Some(reason.to_lowercase());
                }
                self.effects.push(reason.to_lowercase());
            }
            Applied::Busy => self.is_busy = true,
        }
    }
}

/// One try of one event.
struct Try<'a> {
    context: &'a Context,
    row: &'a Row,
    event: std::result::Result<Event, String>,
}

impl<'a> Try<'a> {
    fn new(context: &'a Context, row: &'a Row) -> Result<Self> {
        Ok(Self {
            context,
            row,
            event: read(row)?,
        })
    }

    fn run(self) -> Result<Fate> {
        let event = match &self.event {
            Ok(event) => event,
            Err(text) => return Ok(Fate::dead(text)),
        };
        let source = Source {
            account_id: self.row.account_id,
            provider: &self.row.provider,
        };
        let known = Knowledge {
            looked: self.row.attempts > 0 && self.has_looked(event)?,
            ..Knowledge::default()
        };
        let mut fate = Fate::new();
        for effect in &event.effects {
            let (customer_id, applied) = apply::effect(self.context, source, known, effect)?;
            fate.customer_id = fate.customer_id.or(customer_id);
            if let Applied::Look(object) = &applied {
                self.look(object, customer_id)?;
            }
            fate.note(applied);
            if fate.is_busy {
                // What the effects before it have done is done again, with the same result.
                return Err(Error::retry("somebody works on the customer"));
            }
        }
        Ok(fate)
    }

    /// Whether what the event is about has been fetched since it was put off for that.
    fn has_looked(&self, event: &Event) -> Result<bool> {
        let subject = |object: ObjectRef| Job::Fetch { object }.subject(self.row.account_id);
        let objects = event.effects.iter().filter_map(apply::object_of);
        let subjects: Vec<Uuid> = objects.map(subject).collect();
        db::webhook::has_looked(&Snapshot::latest()?, self.row.id, subjects)
    }

    fn look(&self, object: &ObjectRef, customer_id: Option<Uuid>) -> Result<()> {
        let job = Job::Fetch {
            object: object.clone(),
        };
        let subject = job.subject(self.row.account_id);
        if !db::outbox::unfinished(&Snapshot::latest()?, subject)?.is_empty() {
            // One that was meant for later, such as after a renewal, is needed now.
            if db::outbox::hasten(subject, clock::wall_time())? {
                wake::note_call();
            }
            return Ok(());
        }
        let whose = Whose {
            organization_id: self.row.organization_id,
            account_id: self.row.account_id,
            customer_id,
        };
        enqueue(&whose, &job, clock::wall_time()).map(|_| ())
    }
}

/// The event in our words, or why there is none.
fn read(row: &Row) -> Result<std::result::Result<Event, String>> {
    let Some(body) = row.body.as_deref() else {
        return Ok(Err("its body has been dropped".to_owned()));
    };
    let delivery = Delivery {
        headers: &Headers::from_json(&row.headers),
        body,
        received_at: row.received_at,
    };
    let provider = account::provider(&row.provider)?;
    Ok(provider.event(&delivery).map_err(|error| error.message))
}
