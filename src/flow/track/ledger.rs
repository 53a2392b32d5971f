//! Judging events one after another against the same loaded facts, and writing what came of it.
//!
//! Invariant: the locks of keys and customers are held since before [`Ledger::open`]; what an event
//! draws is in `used` before the next event is judged, so a batch answers like so many calls.

mod counting;
mod keys;
mod order;
mod resolving;

use super::{Located, UsageEvent, entity_exists, unknown};
use crate::backend::clock;
use crate::backend::spi::Snapshot;
use crate::db::customer::Customer;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::decided::Decided;
use crate::flow::standing::Standing;
use crate::flow::track::effect::{self, Crossing};
use crate::flow::track::{self, judgement};
use crate::flow::warm;
use crate::flow::warm::known::{self, Known};
use crate::flow::warm::record::{self, Taken};
use crate::meter::{Counter, Posting};
use chrono::{DateTime, Utc};
use keys::{Found, Keys};
use owostack_domain::decision::Code;
use owostack_domain::entitlement::Entitlement;
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
    keys: Keys,
    /// Entitlements of the present that depend on no earlier period.
    entitlements: HashMap<(Uuid, Uuid, Option<String>), Entitlement>,
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
            keys: Keys::default(),
            entitlements: HashMap::new(),
            crossings: Vec::new(),
        })
    }

    /// Looks up what was answered under the keys of this call's events.
    ///
    /// # Errors
    /// As the statement.
    pub fn load_keys(&mut self, names: Vec<(Uuid, String)>) -> Result<()> {
        self.keys = Keys::load(&self.snapshot, names)?;
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
        let key = match self.keys.find(self.context, customer.id, &event)? {
            Found::Replayed(replayed) => return Ok(*replayed),
            Found::Free(place) => Some(place),
            Found::Keyless => None,
        };
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
        let decision = track::shown(customer.id, &entitlement, judged.decision, event.value)?;
        let decided = Decided::from(decision);
        if let (true, Some(place)) = (decided.allowed, key) {
            let answer = serde_json::to_string(&decided)
                .map_err(|_| Error::internal("a decision that is not JSON"))?;
            self.keys.keep(place, &event, answer)?;
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
        let key = match self.keys.find(self.context, customer_id, event)? {
            Found::Replayed(replayed) => return Ok(Some(warm::Answered::Decided(*replayed))),
            Found::Free(place) => Some(place),
            Found::Keyless => None,
        };
        let at = clock::to_postgres(self.context.now);
        let Some(taken) = record::take(known, event.value, at)? else {
            return Ok(None);
        };
        let granted = taken.granted.clone();
        if let Some(place) = key {
            let (changing, lasting) = taken.answer()?;
            self.keys.keep_like(place, event, &changing, &lasting)?;
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
        self.keys.store(self.context.now)?;
        effect::announce(self.context, self.crossings)?;
        Ok(Loaded {
            standings: self.standings,
            counter: self.counter,
        })
    }
}
