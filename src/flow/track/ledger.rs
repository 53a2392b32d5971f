//! Judging events one after another against the same loaded facts, and writing what came of it.
//!
//! Invariant: the locks of keys and customers are held since before [`Ledger::open`]; what an event
//! draws is in `used` before the next event is judged, so a batch answers like so many calls.

mod counting;
mod resolving;

use super::{Located, UsageEvent, entity_exists, unknown};
use crate::backend::clock;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::usage_key::{Answered, NewAnswer};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::decided::Decided;
use crate::flow::idempotency;
use crate::flow::standing::Standing;
use crate::flow::track::effect::{self, Crossing};
use crate::flow::track::judgement;
use crate::flow::warm;
use crate::flow::warm::known::{self, Known};
use crate::flow::warm::record::{self, Taken};
use crate::meter::{Counter, Posting};
use chrono::{DateTime, Utc};
use owostack_domain::decision::Code;
use owostack_domain::entitlement::Entitlement;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use uuid::Uuid;

/// The state of one call.
pub struct Ledger<'a> {
    context: &'a Context,
    /// Generations of customers, of whom what is resolved may be kept.
    before: HashMap<Uuid, known::Before>,
    learned: HashSet<(Uuid, Uuid)>,
    snapshot: Snapshot,
    standings: HashMap<(Uuid, Uuid), Standing>,
    counter: Counter,
    postings: Vec<Posting>,
    /// What was taken of plain allowances.
    taken: Vec<Taken>,
    /// What was answered under this call's keys before.
    stored: HashMap<(Uuid, String), Answered>,
    /// Entitlements of the present that depend on no earlier period.
    entitlements: HashMap<(Uuid, Uuid, Option<String>), Entitlement>,
    /// What this call was asked and answered under keys, as JSON, still to be stored.
    answers: HashMap<(Uuid, String), (String, String)>,
    crossings: Vec<Crossing>,
}

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|_| Error::internal("a document that is not JSON"))
}

/// What a ledger read, for another one of the same moment.
#[derive(Debug, Default)]
pub struct Loaded {
    standings: HashMap<(Uuid, Uuid), Standing>,
    counter: Counter,
}

impl<'a> Ledger<'a> {
    /// Takes the snapshot that judges; every lock is held already.
    /// `before` are generations that were read earlier, for what may be kept.
    pub fn open(context: &'a Context, before: Vec<known::Before>) -> Result<Self> {
        Self::resume(context, Loaded::default(), before)
    }

    /// The same, knowing what `loaded` says; nothing may have changed since it was read.
    pub fn resume(
        context: &'a Context,
        loaded: Loaded,
        before: Vec<known::Before>,
    ) -> Result<Self> {
        Ok(Self {
            context,
            before: before.into_iter().map(|one| (one.0, one)).collect(),
            learned: HashSet::new(),
            snapshot: Snapshot::latest()?,
            standings: loaded.standings,
            counter: loaded.counter,
            postings: Vec::new(),
            taken: Vec::new(),
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
    pub fn load_keys(&mut self, mut keys: Vec<(Uuid, String)>) -> Result<()> {
        // In the order of their index, which is then walked and not jumped about in.
        keys.sort_unstable();
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
            let answer = serde_json::to_string(&decided)
                .map_err(|_| Error::internal("a decision that is not JSON"))?;
            let name = (customer.id, key.clone());
            self.answers.insert(name, (event.request()?, answer));
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
        if happened_at != self.context.now || event.entity.is_some() {
            return Ok(());
        }
        // Once: the events that follow would say the same.
        let name = (customer.id, entitlement.feature_id);
        if let Some(before) = self.before.get(&customer.id).copied()
            && self.learned.insert(name)
        {
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
        let name = (customer_id, key.clone());
        let stored = if let Some((first, answer)) = self.answers.get(&name) {
            if *first != event.request()? {
                return Err(idempotency::reused(key, &json(first)?));
            }
            json(answer)?
        } else if let Some(stored) = self.stored.get(&name) {
            let request = json(&event.request()?)?;
            match idempotency::answer(self.context, key, &request, Some(stored))? {
                Some(stored) => stored,
                None => return Ok(None),
            }
        } else {
            return Ok(None);
        };
        let decided: Decided = serde_json::from_value(stored)
            .map_err(|_| Error::internal("the answer stored under an idempotency key"))?;
        Ok(Some(Decided {
            replayed: true,
            ..decided
        }))
    }

    /// Takes an event of a plain allowance that is known; None where it cannot be taken from it.
    ///
    /// # Errors
    /// As [`Ledger::judge`].
    pub fn take_known(
        &mut self,
        known: &Rc<Known>,
        event: &UsageEvent,
    ) -> Result<Option<warm::Answered>> {
        let customer_id = known.customer_id();
        if let Some(replayed) = self.replay(customer_id, event)? {
            return Ok(Some(warm::Answered::Decided(replayed)));
        }
        let at = clock::to_postgres(self.context.now);
        let Some(taken) = record::take(known, event.value, at)? else {
            return Ok(None);
        };
        let granted = taken.granted.clone();
        if let Some(key) = &event.idempotency_key {
            let name = (customer_id, key.clone());
            self.answers
                .insert(name, (event.request()?, taken.answer()?));
        }
        self.taken.push(taken);
        Ok(Some(warm::Answered::Granted(granted)))
    }

    /// Writes usage, keys and events; what was read stays true with them.
    ///
    /// # Errors
    /// As the statements.
    pub fn close(mut self) -> Result<Loaded> {
        self.record()?;
        let (mut over, mut answers) = (Vec::new(), Vec::with_capacity(self.answers.len()));
        for (name, (request, result)) in self.answers {
            if self.stored.contains_key(&name) {
                // Its time is over, else it would have been replayed.
                over.push(name.clone());
            }
            let (customer_id, key) = name;
            answers.push(NewAnswer {
                customer_id,
                key,
                request,
                result,
            });
        }
        answers.sort_unstable_by(|one, other| {
            (one.customer_id, &one.key).cmp(&(other.customer_id, &other.key))
        });
        db::usage_key::forget_many(over)?;
        db::usage_key::store_many(answers, self.context.now)?;
        effect::announce(self.context, self.crossings)?;
        Ok(Loaded {
            standings: self.standings,
            counter: self.counter,
        })
    }
}
