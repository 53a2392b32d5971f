//! Judging events one after another against the same loaded facts, and writing what came of it.
//!
//! Invariant: the locks of keys and customers are held since before [`Ledger::open`]; what an event
//! draws is in `used` before the next event is judged, so a batch answers like so many calls.

use super::{Located, UsageEvent, entity_exists, unknown};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::event::Event;
use crate::db::facts::Wanted;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::decided::Decided;
use crate::flow::due;
use crate::flow::idempotency;
use crate::flow::standing::{Standing, Used};
use crate::meter::{self, Posting};
use chrono::{DateTime, Utc};
use owostack_domain::decision::{self, Code, Decision};
use owostack_domain::draw::Drawn;
use owostack_domain::entitlement::{Entitlement, GrantState};
use owostack_domain::quantity::Quantity;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// The state of one call.
pub struct Ledger<'a> {
    context: &'a Context,
    snapshot: Snapshot,
    standings: HashMap<(Uuid, Uuid), Standing>,
    used: HashMap<Uuid, Used>,
    postings: Vec<Posting>,
    /// What this call answered under keys, still to be stored.
    answers: HashMap<(Uuid, String), (Value, Decided)>,
    crossings: Vec<Crossing>,
}

/// Something that happens once per period.
struct Crossing {
    customer_id: Uuid,
    kind: &'static str,
    /// Unique among the customer's crossings.
    name: String,
    data: Value,
}

/// A judged event with what it draws.
struct Judged {
    decision: Decision,
    drawn: Drawn,
}

impl<'a> Ledger<'a> {
    /// Takes the snapshot that judges; every lock is held already.
    pub fn open(context: &'a Context) -> Result<Self> {
        Ok(Self {
            context,
            snapshot: Snapshot::latest()?,
            standings: HashMap::new(),
            used: HashMap::new(),
            postings: Vec::new(),
            answers: HashMap::new(),
            crossings: Vec::new(),
        })
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
        let entitlement = self.entitlement(&customer, feature.id, entity, happened_at)?;
        let before = self.check(customer.id, &entitlement);
        let judged = self.decide(customer.id, &entitlement, event.value)?;
        if !judged.drawn.lines.is_empty() {
            self.keep(&customer, &event, &entitlement, happened_at, judged.drawn);
            self.note_crossings(&customer, &entitlement, &before, &judged.decision);
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
        let stored = idempotency::replay(self.context, &self.snapshot, customer_id, key, &request)?;
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

    /// The entitlement for an event: of the running period, or of the one it happened in.
    fn entitlement(
        &mut self,
        customer: &Customer,
        feature_id: Uuid,
        entity: Option<&str>,
        happened_at: DateTime<Utc>,
    ) -> Result<Entitlement> {
        let now = self.context.now;
        let running = self.resolved(customer, feature_id, entity, now)?;
        let late = running
            .sources
            .iter()
            .any(|source| source.period.start.is_some_and(|start| start > happened_at));
        let entitlement = if late {
            // What earlier events of this call drew must be part of the history that it is judged by.
            self.flush()?;
            self.resolved(customer, feature_id, entity, happened_at)?
        } else {
            running
        };
        let standing = self.standing(customer, feature_id)?.clone();
        let used = self.used.entry(customer.id).or_default();
        standing.load_used(&self.snapshot, &entitlement, used)?;
        Ok(entitlement)
    }

    fn resolved(
        &mut self,
        customer: &Customer,
        feature_id: Uuid,
        entity: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Entitlement> {
        self.standing(customer, feature_id)?;
        let standing = self
            .standings
            .get(&(customer.id, feature_id))
            .ok_or_else(|| Error::internal("a standing that was loaded"))?;
        standing.entitlement(&self.snapshot, feature_id, entity, at)
    }

    fn standing(&mut self, customer: &Customer, feature_id: Uuid) -> Result<&Standing> {
        let key = (customer.id, feature_id);
        if !self.standings.contains_key(&key) {
            let wanted = Wanted::Feature(feature_id);
            let mut standing = Standing::load(self.context, &self.snapshot, customer, wanted)?;
            if standing.is_due() {
                // Usage that a switch carries must be on its new meter before more is counted.
                due::settle(self.context, customer.id, self.context.now)?;
                self.snapshot = Snapshot::latest()?;
                standing = Standing::load(self.context, &self.snapshot, customer, wanted)?;
            }
            self.standings.insert(key, standing);
        }
        self.standings
            .get(&key)
            .ok_or_else(|| Error::internal("a standing that was loaded"))
    }

    fn check(&self, customer_id: Uuid, entitlement: &Entitlement) -> Decision {
        let none = Used::new();
        let used = self.used.get(&customer_id).unwrap_or(&none);
        decision::check(entitlement, used, Quantity::ZERO)
    }

    fn decide(
        &self,
        customer_id: Uuid,
        entitlement: &Entitlement,
        value: Quantity,
    ) -> Result<Judged> {
        let none = Used::new();
        let used = self.used.get(&customer_id).unwrap_or(&none);
        // Where nothing is granted a return is denied like a track, with the same code.
        if !value.is_negative() || entitlement.grant != GrantState::Granted {
            let (decision, drawn) = decision::track(entitlement, used, value);
            return Ok(Judged { decision, drawn });
        }
        let (decision, drawn) = decision::give_back(entitlement, used, value.negate())
            .map_err(|_| below_zero(entitlement, value))?;
        Ok(Judged { decision, drawn })
    }

    /// Turns draws into postings and counts them for the events that follow.
    fn keep(
        &mut self,
        customer: &Customer,
        event: &UsageEvent,
        entitlement: &Entitlement,
        happened_at: DateTime<Utc>,
        drawn: Drawn,
    ) {
        let used = self.used.entry(customer.id).or_default();
        for line in drawn.lines {
            let Some(source) = entitlement.sources.get(line.source) else {
                continue;
            };
            let entry = used.entry(line.place()).or_default();
            *entry = entry.checked_add(line.amount).unwrap_or(*entry);
            self.postings.push(Posting {
                key: line.meter,
                period: source.period,
                amount: line.amount,
                units: line.units,
                feature_id: entitlement.feature_id,
                kind: source.kind.as_str(),
                at: happened_at,
                entity: event.entity.clone(),
                metadata: event.metadata.clone(),
            });
        }
    }

    fn note_crossings(
        &mut self,
        customer: &Customer,
        entitlement: &Entitlement,
        before: &Decision,
        after: &Decision,
    ) {
        let period = entitlement
            .sources
            .iter()
            .find(|source| source.is_allowance())
            .or(entitlement.sources.first())
            .map(|source| (source.meter.id(), source.period.number));
        let Some((meter_id, number)) = period else {
            return;
        };
        let mut cross = |kind: &'static str| {
            self.crossings.push(Crossing {
                customer_id: customer.id,
                kind,
                name: format!("{kind} {meter_id} {number}"),
                data: json!({
                    "feature": entitlement.slug,
                    "usage": after.usage,
                    "usage_limit": after.usage_limit,
                    "resets_at": after.resets_at,
                }),
            });
        };
        if let Some(limit) = after.usage_limit
            && limit.is_positive()
            && before.usage < limit
            && after.usage >= limit
        {
            cross("usage.limit_reached");
        }
        if entitlement.credit.is_some()
            && before.balance.is_some_and(Quantity::is_positive)
            && after.balance.is_some_and(Quantity::is_zero)
        {
            cross("credits.exhausted");
        }
    }

    /// Writes what was drawn so far and forgets what was loaded before.
    fn flush(&mut self) -> Result<()> {
        if self.postings.is_empty() {
            return Ok(());
        }
        meter::post(&self.postings)?;
        self.postings.clear();
        self.used.clear();
        self.snapshot = Snapshot::latest()?;
        Ok(())
    }

    /// Writes usage, keys and events.
    ///
    /// # Errors
    /// As the statements.
    pub fn close(self) -> Result<()> {
        meter::post(&self.postings)?;
        for ((customer_id, key), (request, decided)) in self.answers {
            let result = serde_json::to_value(&decided)
                .map_err(|_| Error::internal("a decision that is not JSON"))?;
            idempotency::store(self.context, customer_id, &key, request, result)?;
        }
        for crossing in self.crossings {
            let event = Event {
                kind: crossing.kind,
                organization_id: self.context.organization.id,
                organization: &self.context.organization.slug,
                customer_id: crossing.customer_id,
                at: self.context.now,
                data: crossing.data,
            };
            db::event::append_once(&event, &crossing.name)?;
        }
        Ok(())
    }
}

fn below_zero(entitlement: &Entitlement, value: Quantity) -> Error {
    Error::invalid(format!(
        "{} of \"{}\" cannot be given back: less is used in the running period",
        value.negate(),
        entitlement.slug
    ))
    .hint("A return takes back at most what the running period holds.")
}
