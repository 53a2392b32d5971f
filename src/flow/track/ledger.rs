//! Judging events one after another against the same loaded facts, and writing what came of it.
//!
//! Invariant: the locks of keys and customers are held since before [`Ledger::open`]; what an event
//! draws is in `used` before the next event is judged, so a batch answers like so many calls.

mod counting;
mod resolving;

use super::{Located, UsageEvent, entity_exists, unknown};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::usage_key::Answered;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::decided::Decided;
use crate::flow::idempotency;
use crate::flow::standing::Standing;
use crate::flow::track::effect::{self, Crossing};
use crate::flow::track::judgement;
use crate::flow::warm::known;
use crate::meter::{self, Counter, Posting};
use chrono::{DateTime, Utc};
use owostack_domain::decision::Code;
use owostack_domain::entitlement::Entitlement;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// The state of one call.
pub struct Ledger<'a> {
    context: &'a Context,
    before: Option<known::Before>,
    snapshot: Snapshot,
    standings: HashMap<(Uuid, Uuid), Standing>,
    counter: Counter,
    postings: Vec<Posting>,
    /// What was answered under this call's keys before.
    stored: HashMap<(Uuid, String), Answered>,
    /// Entitlements of the present that depend on no earlier period.
    entitlements: HashMap<(Uuid, Uuid, Option<String>), Entitlement>,
    /// What this call answered under keys, still to be stored.
    answers: HashMap<(Uuid, String), (Value, Decided)>,
    crossings: Vec<Crossing>,
}

/// What a ledger read, for another one of the same moment.
#[derive(Debug, Default)]
pub struct Loaded {
    standings: HashMap<(Uuid, Uuid), Standing>,
    counter: Counter,
}

impl<'a> Ledger<'a> {
    /// Takes the snapshot that judges; every lock is held already.
    /// `before` are generations that were read earlier, for what may be kept of a single event.
    pub fn open(context: &'a Context, before: Option<known::Before>) -> Result<Self> {
        Self::resume(context, Loaded::default(), before)
    }

    /// The same, knowing what `loaded` says; nothing may have changed since it was read.
    pub fn resume(
        context: &'a Context,
        loaded: Loaded,
        before: Option<known::Before>,
    ) -> Result<Self> {
        Ok(Self {
            context,
            before,
            snapshot: Snapshot::latest()?,
            standings: loaded.standings,
            counter: loaded.counter,
            postings: Vec::new(),
            stored: HashMap::new(),
            entitlements: HashMap::new(),
            answers: HashMap::new(),
            crossings: Vec::new(),
        })
    }

    /// Looks up what was answered under the keys of this call's events.
    ///
    /// # Errors
    /// As the statement.
    pub fn load_keys(&mut self, keys: Vec<(Uuid, String)>) -> Result<()> {
        self.stored = db::usage_key::find_many(&self.snapshot, keys)?
            .into_iter()
            .collect();
        Ok(())
    }

    /// Judges one event and keeps what it draws.
    ///
    /// # Errors
    /// `23505` when its key was used for another request, `22023` when a return goes below zero.
    pub fn judge(&mut self, located: Located) -> Result<Decided> {
        let Located {
            event,
            feature,
            customer,
            at_most,
        } = located;
        let Some(customer) = customer else {
            return Ok(unknown(Code::CustomerNotFound, &feature.slug));
        };
        if let Some(replayed) = self.replay(customer.id, &event)? {
            return Ok(replayed);
        }
        let entity = event.entity.as_deref();
        if !entity_exists(self.context, &self.snapshot, customer.id, entity)? {
            return Ok(unknown(Code::EntityNotFound, &feature.slug));
        }
        let happened_at = event.happened_at(self.context)?;
        let mut entitlement = self.entitlement(&customer, feature.id, entity, happened_at)?;
        judgement::require_entity(&entitlement)?;
        self.learn(&customer, &event, &entitlement, happened_at)?;
        let mut judged = self.decide(customer.id, &entitlement, event.value, at_most)?;
        while judged.decision.code.is_shortage() && self.make_room(customer.id)? {
            entitlement = self.entitlement(&customer, feature.id, entity, happened_at)?;
            judged = self.decide(customer.id, &entitlement, event.value, at_most)?;
        }
        if !judged.drawn.lines.is_empty() {
            self.push(effect::postings(&event, &entitlement, happened_at, &judged));
            self.cross(customer.id, &entitlement, &judged);
        }
        let decided = Decided::from(judged.decision);
        if let (true, Some(key)) = (decided.allowed, &event.idempotency_key) {
            self.answers.insert(
                (customer.id, key.clone()),
                (event.request(), decided.clone()),
            );
        }
        Ok(decided)
    }

    /// Keeps the entitlement for the calls that follow, if it is that of the present.
    fn learn(
        &mut self,
        customer: &Customer,
        event: &UsageEvent,
        entitlement: &Entitlement,
        happened_at: DateTime<Utc>,
    ) -> Result<()> {
        let Some(before) = self.before else {
            return Ok(());
        };
        if happened_at == self.context.now {
            let context = self.context;
            let standing = self.standing(customer, entitlement.feature_id)?;
            let resolved = known::Resolved {
                customer,
                standing,
                entitlement,
                count: None,
            };
            known::keep(context, &event.question(), Some(before), &resolved);
        }
        Ok(())
    }

    fn replay(&self, customer_id: Uuid, event: &UsageEvent) -> Result<Option<Decided>> {
        let Some(key) = &event.idempotency_key else {
            return Ok(None);
        };
        let request = event.request();
        if let Some((first, decided)) = self.answers.get(&(customer_id, key.clone())) {
            if *first != request {
                return Err(idempotency::reused(key, first));
            }
            return Ok(Some(Decided {
                replayed: true,
                ..decided.clone()
            }));
        }
        let stored = self.stored.get(&(customer_id, key.clone()));
        let stored = idempotency::answer(self.context, key, &request, stored)?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        let decided: Decided = serde_json::from_value(stored)
            .map_err(|_| Error::internal("the answer stored under an idempotency key"))?;
        Ok(Some(Decided {
            replayed: true,
            ..decided
        }))
    }

    /// Writes usage, keys and events; what was read stays true with them.
    ///
    /// # Errors
    /// As the statements.
    pub fn close(self) -> Result<Loaded> {
        meter::record(&self.postings)?;
        let mut answers = Vec::with_capacity(self.answers.len());
        for (name, (request, decided)) in self.answers {
            let result = serde_json::to_value(&decided)
                .map_err(|_| Error::internal("a decision that is not JSON"))?;
            let created_at = self.context.now;
            answers.push((
                name,
                Answered {
                    request,
                    result,
                    created_at,
                },
            ));
        }
        db::usage_key::store_many(answers)?;
        effect::announce(self.context, self.crossings)?;
        Ok(Loaded {
            standings: self.standings,
            counter: self.counter,
        })
    }
}
