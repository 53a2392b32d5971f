//! Entitlements that were resolved before, by the words of the question.

use crate::backend::generation::{self, Stamp};
use crate::db::customer::Customer;
use crate::flow::check::Question;
use crate::flow::context::Context;
use crate::flow::standing::Standing;
use crate::flow::track::places;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::{Entitlement, FeatureType};
use owostack_domain::ids;
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::subscription::advance::next_due;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use uuid::Uuid;

/// Entitlements that one backend keeps; beyond it starts anew.
const KEPT: usize = 20_000;

/// One resolved entitlement and until when it may be used.
#[derive(Debug)]
pub struct Known {
    organization_id: Uuid,
    name: String,
    feature: String,
    entity: Option<String>,
    stamp: Stamp,
    valid_from: DateTime<Utc>,
    valid_until: Option<DateTime<Utc>>,
    pub customer: Customer,
    pub entitlement: Entitlement,
    /// Where its usage is counted.
    pub places: Vec<MeterPeriod>,
    /// Entity features: how many there are.
    pub count: Option<i64>,
}

thread_local! {
    static KNOWN: RefCell<HashMap<u64, Rc<Known>>> = RefCell::new(HashMap::new());
}

fn hash(organization_id: Uuid, name: &str, feature: &str, entity: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (organization_id, name, feature, entity).hash(&mut hasher);
    hasher.finish()
}

impl Known {
    fn answers(&self, context: &Context, question: &Question) -> bool {
        self.organization_id == context.organization.id
            && question.customer == Some(self.name.as_str())
            && question.feature == Some(self.feature.as_str())
            && question.entity == self.entity.as_deref()
    }

    /// Whether it still stands for this customer at `now`.
    pub fn stands(&self, now: DateTime<Utc>) -> bool {
        self.valid_from <= now
            && self.valid_until.is_none_or(|until| now < until)
            && generation::stamp(self.organization_id, self.customer.id) == Some(self.stamp)
    }
}

/// What is known about a question at the context's time.
pub fn find(context: &Context, question: &Question) -> Option<Rc<Known>> {
    let (name, feature) = (question.customer?, question.feature?);
    let hash = hash(context.organization.id, name, feature, question.entity);
    let known = KNOWN.with_borrow(|known| known.get(&hash).cloned())?;
    (known.answers(context, question) && known.stands(context.now)).then_some(known)
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
            .any(|source| source.sum_over_entities);
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
    let known = Known {
        organization_id: context.organization.id,
        name: name.to_owned(),
        feature: entitlement.slug.clone(),
        entity: None,
        stamp,
        valid_from: context.now,
        valid_until: [entitlement.valid_until, next_due(facts)]
            .into_iter()
            .flatten()
            .min(),
        customer: resolved.customer.clone(),
        entitlement: entitlement.clone(),
        places: places(entitlement),
        count: resolved.count,
    };
    let hash = hash(known.organization_id, name, &known.feature, None);
    KNOWN.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(hash, Rc::new(known));
    });
}
