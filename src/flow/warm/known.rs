//! Entitlements that were resolved before, by the words of the question.

use super::brief::{Brief, Ruling, Term};
use super::context::Warm;
use super::exchange;
use super::plain::Plain;
use super::shelf::{self, Words};
use crate::backend::clock::{self, Tick};
use crate::backend::generation::{self, Stamp};
use crate::db::customer::Customer;
use crate::flow::check::Question;
use crate::flow::context::Context;
use crate::flow::standing::Standing;
use crate::flow::track::places;
use crate::meter::shared;
use owostack_domain::entitlement::{Entitlement, FeatureType};
use owostack_domain::ids;
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::subscription::advance::next_due;
use std::rc::Rc;
use uuid::Uuid;

/// Whom an entitlement is about, and until when it may be used.
#[derive(Debug)]
pub struct Head {
    pub organization_id: Uuid,
    /// What the customer is called in questions.
    pub name: String,
    /// Generations that it was resolved under.
    pub stamp: [u64; 4],
    pub valid_from: Tick,
    /// The first moment for which it says nothing.
    pub valid_until: Tick,
    pub customer_id: Uuid,
    /// Entity features: how many there are.
    pub count: Option<i64>,
}

impl Head {
    /// Whether what it is about still stands at `now`.
    pub fn stands(&self, now: Tick) -> bool {
        let stamp = || generation::stamp(self.organization_id, self.customer_id);
        self.valid_from <= now
            && now < self.valid_until
            && stamp().is_some_and(|stamp| stamp.words() == self.stamp)
    }
}

/// One resolved entitlement.
#[derive(Debug)]
pub struct Known {
    pub head: Head,
    pub entitlement: Entitlement,
    /// Where its usage is counted.
    pub places: Vec<MeterPeriod>,
    /// Set when one source without further rules gives everything.
    pub plain: Option<Plain>,
}

impl Known {
    /// Prepares what is asked of an entitlement again and again.
    pub fn new(head: Head, entitlement: Entitlement) -> Self {
        Self {
            places: places(&entitlement),
            plain: Plain::of(&entitlement),
            head,
            entitlement,
        }
    }

    pub fn customer_id(&self) -> Uuid {
        self.head.customer_id
    }

    /// Whether it answers questions in these words.
    pub fn answers(&self, words: &Words) -> bool {
        self.head.name.as_bytes() == words.customer
            && self.entitlement.slug.as_bytes() == words.feature
            && self.head.organization_id == words.organization_id
    }

    /// The short of it for that context; None where it was resolved in another.
    pub fn brief(&self, warm: &Warm, words: &Words, hash: u64) -> Option<Brief> {
        let head = &self.head;
        let [installation, all, organization, customer] = head.stamp;
        let (own, own_all, own_organization) = warm.generation;
        let stands = (installation, all, organization) == (own.into(), own_all, own_organization);
        let term = Term {
            customer_id: head.customer_id,
            customer,
            valid_from: head.valid_from,
            valid_until: head.valid_until,
        };
        let brief = || Brief::new(words, hash, warm.epoch, &term, &Ruling::of(self));
        if stands { brief() } else { None }
    }

    /// Whether it still stands for this customer at `now`.
    pub fn stands(&self, now: Tick) -> bool {
        self.head.stands(now)
    }
}

/// What is known about a question at the time of the call.
pub fn find(warm: &Warm, customer: &[u8], feature: &[u8]) -> Option<Rc<Known>> {
    find_in(warm.context.organization.id, warm.tick, customer, feature)
}

/// The same in a context that was judged.
pub fn find_judged(context: &Context, customer: &str, feature: &str) -> Option<Rc<Known>> {
    if !generation::is_usable() {
        return None;
    }
    let now = clock::to_postgres(context.now);
    let organization_id = context.organization.id;
    find_in(
        organization_id,
        now,
        customer.as_bytes(),
        feature.as_bytes(),
    )
}

fn find_in(organization_id: Uuid, now: Tick, customer: &[u8], feature: &[u8]) -> Option<Rc<Known>> {
    let words = Words {
        organization_id,
        customer,
        feature,
    };
    find_hashed(&words, words.hash(), now)
}

/// What is known about a question whose hash is known.
pub fn find_hashed(words: &Words, hash: u64, now: Tick) -> Option<Rc<Known>> {
    let own = shelf::get(words, hash).filter(|known| known.stands(now));
    own.or_else(|| {
        let shared = Rc::new(exchange::get(words, hash, now)?);
        shelf::offer(hash, &shared);
        Some(shared)
    })
}

/// [`find`] for a question that may name an entity: of those nothing is kept.
pub fn find_for(warm: &Warm, question: &Question) -> Option<Rc<Known>> {
    if question.entity.is_some() {
        return None;
    }
    find(
        warm,
        question.customer?.as_bytes(),
        question.feature?.as_bytes(),
    )
}

/// A customer and its generations.
pub type Before = (Uuid, Stamp);

/// The customer that a question can only mean, and its generations, read before any snapshot.
///
/// None where nothing may be kept: by e-mail, unpreloaded, or after changes of its own.
pub fn before(context: &Context, question: &Question) -> Option<Before> {
    let name = question.customer?;
    let organization = &context.organization;
    if !generation::is_usable() || (organization.sandbox && ids::canonical(name).is_some()) {
        return None;
    }
    let id = ids::customer_id(organization.id, name, organization.sandbox);
    Some((id, generation::stamp(organization.id, id)?))
}

/// What was resolved for a question.
pub struct Resolved<'a> {
    pub customer: &'a Customer,
    pub standing: &'a Standing,
    pub entitlement: &'a Entitlement,
    pub count: Option<i64>,
}

/// Keeps what was resolved after `before` was read, if it can be used again.
pub fn keep(context: &Context, question: &Question, before: Option<Before>, resolved: &Resolved) {
    let (Some((id, stamp)), Some(name)) = (before, question.customer) else {
        return;
    };
    let entitlement = resolved.entitlement;
    let facts = resolved.standing.facts();
    // What depends on earlier periods, or on what several entities used, is asked of the tables.
    let plain = !facts.plan_features.iter().any(|row| row.rollover)
        && !entitlement
            .sources
            .iter()
            .any(|source| source.sums_over_entities());
    let counted = entitlement.feature_type == FeatureType::Entity;
    let fits = plain
        && generation::is_usable()
        && id == resolved.customer.id
        && !resolved.standing.is_due()
        && counted == resolved.count.is_some()
        && question.entity.is_none();
    if !fits {
        return;
    }
    let until = [entitlement.valid_until, next_due(facts)];
    let known = Known::new(
        Head {
            organization_id: context.organization.id,
            name: name.to_owned(),
            stamp: stamp.words(),
            valid_from: clock::to_postgres(context.now),
            valid_until: until
                .into_iter()
                .flatten()
                .min()
                .map_or(Tick::MAX, clock::to_postgres),
            customer_id: id,
            count: resolved.count,
        },
        entitlement.clone(),
    );
    if let Some(plain) = &known.plain {
        // Others are told where its meter is.
        let _ = shared::visible_one(id, &plain.place, &plain.slot);
    }
    let words = Words {
        organization_id: known.head.organization_id,
        customer: name.as_bytes(),
        feature: entitlement.slug.as_bytes(),
    };
    let hash = words.hash();
    exchange::put(hash, &known);
    shelf::put(hash, Rc::new(known));
}
