//! Entitlements that were resolved before, by the words of the question.

use crate::backend::answer::Jsonb;
use crate::backend::generation::{self, Stamp};
use crate::backend::random;
use crate::db::customer::Customer;
use crate::db::meter::Pending;
use crate::error::Result;
use crate::flow::check::Question;
use crate::flow::context::Context;
use crate::flow::standing::Standing;
use crate::flow::track::{UsageEvent, places};
use crate::flow::warm::context::Warm;
use crate::meter::{self, Posting, Used};
use chrono::{DateTime, Utc};
use owostack_domain::decision::{self, Code};
use owostack_domain::entitlement::{Entitlement, FeatureType, GrantState};
use owostack_domain::ids;
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use owostack_domain::subscription::advance::next_due;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
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
    /// Set when one source without further rules gives everything.
    pub plain: Option<Plain>,
    /// What `details` says when the plain allowance covers the value.
    details: OnceCell<Option<Rc<Jsonb>>>,
    /// The same after recording a value, for the value recorded last.
    recorded: RefCell<Option<(Quantity, Rc<Jsonb>)>>,
    /// A row of the plain allowance, but for what differs from event to event.
    row: Option<Pending>,
}

/// One meter with a limit; nothing else has a say.
#[derive(Debug, Clone, Copy)]
pub struct Plain {
    pub place: MeterPeriod,
    /// None: unlimited.
    pub limit: Option<Quantity>,
}

impl Plain {
    fn of(entitlement: &Entitlement) -> Option<Self> {
        let [source] = entitlement.sources.as_slice() else {
            return None;
        };
        let [place] = source.counted.as_slice() else {
            return None;
        };
        let plain = entitlement.feature_type == FeatureType::Metered
            && entitlement.grant == GrantState::Granted
            && entitlement.credit.is_none()
            && source.is_allowance()
            && !source.in_credits()
            && !source.closed
            && source.ceiling.is_none();
        plain.then_some(Self {
            place: *place,
            limit: source.limit,
        })
    }

    /// What is left if the value is covered; an outer None where it is not.
    pub fn balance(&self, used: Quantity, value: Quantity) -> Option<Option<Quantity>> {
        match self.limit {
            None => Some(None),
            Some(limit) => {
                let balance = limit.checked_sub(used)?;
                (balance >= value && !balance.is_negative()).then_some(Some(balance))
            }
        }
    }
}

thread_local! {
    static KNOWN: RefCell<HashMap<u64, Rc<Known>, BuildHasherDefault<Ready>>> =
        RefCell::new(HashMap::default());
}

/// Takes a number that is a hash already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// FNV-1a over the words of a question; what is found is compared with them.
fn hash(organization_id: Uuid, name: &str, feature: &str, entity: Option<&str>) -> u64 {
    let words = [
        organization_id.as_bytes().as_slice(),
        name.as_bytes(),
        feature.as_bytes(),
    ];
    let entity = entity.map(str::as_bytes).unwrap_or_default();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in words.into_iter().chain([entity]).flatten() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The table takes its place from low bits and its tag from high ones.
    hash ^ (hash >> 32)
}

impl Known {
    fn answers(&self, organization_id: Uuid, question: &Question) -> bool {
        self.organization_id == organization_id
            && question.customer == Some(self.name.as_str())
            && question.feature == Some(self.feature.as_str())
            && question.entity == self.entity.as_deref()
    }

    /// `details` of a granted check.
    pub fn granted_details(&self) -> Option<Rc<Jsonb>> {
        let make = || {
            let decision = decision::state(
                &self.entitlement,
                &Used::new(),
                Code::AccessGranted,
                Quantity::ONE,
            );
            Jsonb::new(&decision.details).map(Rc::new)
        };
        self.details.get_or_init(make).clone()
    }

    /// A row that records `value` of the plain allowance.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn row(
        &self,
        value: Quantity,
        event: &UsageEvent,
        at: DateTime<Utc>,
    ) -> Result<Option<Pending>> {
        let Some(row) = &self.row else {
            return Ok(None);
        };
        Ok(Some(Pending {
            quantity: value,
            units: value,
            id: ids::time_ordered(at, random::ten_bytes()?),
            at,
            entity: event.entity.clone(),
            metadata: event.metadata.clone(),
            ..row.clone()
        }))
    }

    /// `details` after recording `value` from the plain allowance.
    pub fn recorded_details(&self, value: Quantity) -> Option<Rc<Jsonb>> {
        let kept = self.recorded.borrow().clone();
        if let Some((of, details)) = kept
            && of == value
        {
            return Some(details);
        }
        let (decision, _) = decision::track(&self.entitlement, &Used::new(), value);
        let details = Rc::new(Jsonb::new(&decision.details)?);
        self.recorded.replace(Some((value, Rc::clone(&details))));
        Some(details)
    }

    /// Whether it still stands for this customer at `now`.
    pub fn stands(&self, now: DateTime<Utc>) -> bool {
        self.valid_from <= now
            && self.valid_until.is_none_or(|until| now < until)
            && generation::stamp(self.organization_id, self.customer.id) == Some(self.stamp)
    }
}

/// The row of a plain allowance, with nothing drawn yet.
fn row(entitlement: &Entitlement) -> Option<Pending> {
    Plain::of(entitlement)?;
    let source = entitlement.sources.first()?;
    let posting = Posting {
        key: source.meter.clone(),
        period: source.period,
        amount: Quantity::ZERO,
        units: Quantity::ZERO,
        feature_id: entitlement.feature_id,
        kind: source.kind.as_str(),
        at: entitlement.at,
        entity: None,
        metadata: None,
    };
    meter::pending(&posting).ok()
}

/// What is known about a question at the time of the call.
pub fn find(warm: &Warm, question: &Question) -> Option<Rc<Known>> {
    let (name, feature) = (question.customer?, question.feature?);
    let organization_id = warm.context.organization.id;
    let hash = hash(organization_id, name, feature, question.entity);
    let known = KNOWN.with_borrow(|known| known.get(&hash).cloned())?;
    (known.answers(organization_id, question) && known.stands(warm.now)).then_some(known)
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
        plain: Plain::of(entitlement),
        details: OnceCell::new(),
        recorded: RefCell::new(None),
        row: row(entitlement),
    };
    let hash = hash(known.organization_id, name, &known.feature, None);
    KNOWN.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(hash, Rc::new(known));
    });
}
