//! Recording usage (`api.md` 2): one event or many, judged in order, written at the end.
//!
//! Order of locks: idempotency keys, customers, then what events of several customers need beside them
//! (`ledger/order`), each in ascending order; the snapshot that judges comes after the last of them
//! (protocol 23, 30). Nothing is written before every event has been judged, so a call that fails
//! leaves nothing to undo.

mod batch;
mod denial;
mod effect;
mod event;
mod judgement;
pub(in crate::flow) mod ledger;

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::error::{Error, Result};
use crate::flow::check;
use crate::flow::context::Context;
use crate::flow::customer::{self, Profile};
use crate::flow::decided::Decided;
use crate::flow::due;
use crate::flow::idempotency;
use crate::flow::warm::known;
use crate::meter;
use ledger::Ledger;
use owostack_domain::decision::{Code, Decision};
use owostack_domain::entitlement::{Entitlement, Feature, FeatureType};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub use batch::{batch, together};
pub use denial::shown;
pub use event::{UsageEvent, read_events};
pub use judgement::{Judged, judge, places, require_entity};

/// An event whose names have been looked up.
#[derive(Clone)]
pub(in crate::flow) struct Located {
    pub event: UsageEvent,
    pub feature: Feature,
    /// None: no such customer, and no `customer_data` to make one.
    pub customer: Option<Customer>,
    /// Whether a return takes what is there, instead of being refused when that is less.
    pub at_most: bool,
}

/// Records one event.
///
/// # Errors
/// `22023`, `22003`, `42704`, `23505` as `api.md` says; a denial is not an error.
pub fn one(context: &Context, event: UsageEvent) -> Result<Decided> {
    event.check(context)?;
    let mut located = locate(context, vec![(0, event)], |error, _| error)?;
    let mut ledger = begin(context, &located, &[], false)?;
    let one = located
        .pop()
        .ok_or_else(|| Error::internal("a track without event"))?;
    let decided = ledger.judge(one)?;
    ledger.close()?;
    Ok(decided)
}

/// Takes every lock that the events need and begins to judge them.
///
/// `known` are events that need no look-up, with the customers they are about.
fn begin<'a>(
    context: &'a Context,
    located: &[Located],
    known: &[(Uuid, Option<&str>)],
    many: bool,
) -> Result<Ledger<'a>> {
    let named = located.iter().filter_map(|located| {
        let customer = located.customer.as_ref()?;
        Some((customer.id, located.event.idempotency_key.as_deref()))
    });
    let named: Vec<(Uuid, Option<&str>)> = named.collect();
    let all = || named.iter().chain(known).copied();
    let keys = || all().filter_map(|(id, key)| Some((id, key?)));
    if many {
        idempotency::lock_keys(keys());
    } else {
        keys().for_each(|(customer_id, key)| idempotency::lock_key(customer_id, key));
    }
    let unknown: HashSet<Uuid> = named.iter().map(|(id, _)| *id).collect();
    let known = known.iter().map(|(id, _)| *id);
    due::enter(context, unknown.into_iter().collect(), known)?;
    let before = located
        .iter()
        .filter_map(|one| known::before(context, &one.event.question()));
    let mut ledger = Ledger::open(context, before.collect())?;
    ledger.load_keys(keys().map(|(id, key)| (id, key.to_owned())).collect())?;
    Ok(ledger)
}

/// Writes what one judged event leaves.
///
/// # Errors
/// As the statements.
pub fn write(
    context: &Context,
    customer_id: Uuid,
    event: &UsageEvent,
    entitlement: &Entitlement,
    judged: &Judged,
) -> Result<()> {
    meter::record(&effect::postings(event, entitlement, context.now, judged))?;
    effect::announce(context, effect::crossings(customer_id, entitlement, judged))
}

/// Looks up features and customers, making customers that come with `customer_data`; `at` tells
/// with which of the numbered events a mistake is.
fn locate(
    context: &Context,
    events: Vec<(usize, UsageEvent)>,
    at: impl Fn(Error, usize) -> Error,
) -> Result<Vec<Located>> {
    let snapshot = Snapshot::latest()?;
    let mut features: HashMap<String, Feature> = HashMap::new();
    for (index, event) in &events {
        if !features.contains_key(&event.feature) {
            let feature = metered(context, &snapshot, event).map_err(|error| at(error, *index))?;
            features.insert(event.feature.clone(), feature);
        }
    }
    let mut customers: HashMap<String, Option<Customer>> = HashMap::new();
    if events.len() > 1 {
        let names: HashSet<&str> = events
            .iter()
            .map(|(_, event)| event.customer.as_str())
            .collect();
        let found = customer::find_many(context, &snapshot, &names)?;
        customers.extend(
            found
                .into_iter()
                .map(|(name, row)| (name.to_owned(), Some(row))),
        );
        let written = events.iter().filter_map(|(_, event)| {
            let profile = Profile::from_json(event.customer_data.clone()?).ok()?;
            match customers.get(&event.customer).and_then(Option::as_ref) {
                Some(known) if profile.is_contained_in(known) => None,
                Some(known) => Some(known.key.as_str()),
                None => Some(event.customer.as_str()),
            }
        });
        customer::lock_profiles(context, written);
    }
    let mut located = Vec::with_capacity(events.len());
    for (index, event) in events {
        let known = match customers.get(&event.customer) {
            Some(known) => known.clone(),
            None => customer::find(context, &snapshot, &event.customer)?,
        };
        let customer = with_data(context, &event, known).map_err(|error| at(error, index))?;
        customers.insert(event.customer.clone(), customer.clone());
        let feature = features
            .get(&event.feature)
            .cloned()
            .ok_or_else(|| Error::unknown_feature(&event.feature))?;
        located.push(Located {
            event,
            feature,
            customer,
            at_most: false,
        });
    }
    Ok(located)
}

fn metered(context: &Context, snapshot: &Snapshot, event: &UsageEvent) -> Result<Feature> {
    let feature = check::feature(context, snapshot, Some(&event.feature))?;
    require_metered(&feature)?;
    Ok(feature)
}

fn with_data(
    context: &Context,
    event: &UsageEvent,
    known: Option<Customer>,
) -> Result<Option<Customer>> {
    let Some(data) = event.customer_data.clone() else {
        return Ok(known);
    };
    let profile = Profile::from_json(data)?;
    match known {
        Some(customer) => customer::ensure(context, &customer.key, profile).map(Some),
        None => customer::ensure(context, &event.customer, profile).map(Some),
    }
}

/// Only metered features are counted by calls.
///
/// # Errors
/// `42704` naming the type and the right call.
pub fn require_metered(feature: &Feature) -> Result<()> {
    let (kind, call) = match feature.feature_type {
        FeatureType::Metered => return Ok(()),
        FeatureType::Boolean => ("boolean", "owo_check()"),
        FeatureType::Entity => (
            "an entity feature",
            "owo_entity_add() and owo_entity_remove()",
        ),
        FeatureType::Static => ("static", "owo_value()"),
    };
    Err(Error::undefined(format!(
        "feature \"{}\" is {kind}, not metered",
        feature.slug
    ))
    .hint(format!("Use {call} for it.")))
}

/// The answer where no such customer or entity exists.
fn unknown(code: Code, feature: &str) -> Decided {
    Decision::not_found(code, feature).into()
}

/// Whether the entity exists that an event is tagged with.
///
/// # Errors
/// As the statements.
pub fn entity_exists(
    context: &Context,
    snapshot: &Snapshot,
    customer_id: Uuid,
    entity: Option<&str>,
) -> Result<bool> {
    match entity {
        Some(key) => db::entity::exists(snapshot, customer_id, key, context.now),
        None => Ok(true),
    }
}
