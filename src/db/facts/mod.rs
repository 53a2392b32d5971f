//! Loading [`Facts`]: what the tables say about one customer, at one snapshot.
//!
//! The only place where rows become the domain's `Facts`; `flow/` projects them to a time.

mod catalog;
mod customer;
pub mod start;

use crate::backend::spi::Snapshot;
use crate::db::customer::Customer;
use crate::db::organization::Organization;
use crate::error::Result;
use owostack_domain::entitlement::facts::{CreditSystem, Facts, Feature, Scope};
use owostack_domain::period;
use owostack_domain::period::Tz;
use std::collections::BTreeMap;
use uuid::Uuid;

pub use catalog::{feature, feature_slug, features, plan_by_slug, plan_provider, systems};
pub use customer::grant;

/// Which features a load is about.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// One feature and the credit systems that price it.
    Feature(Uuid),
    /// Every feature of the organization.
    All,
}

/// The zone in which a customer's periods are counted.
pub fn zone(organization: &Organization, customer: Option<&Customer>) -> Tz {
    customer
        .and_then(|customer| customer.timezone.as_deref())
        .and_then(period::zone)
        .or_else(|| period::zone(&organization.timezone))
        .unwrap_or(Tz::UTC)
}

/// Loads the facts of a customer.
///
/// # Errors
/// As `spi::read`.
pub fn load(
    snapshot: &Snapshot,
    organization: &Organization,
    customer: &Customer,
    wanted: Wanted,
) -> Result<Facts> {
    let (features, credit_systems) = match wanted {
        Wanted::Feature(id) => catalog::feature_with_systems(snapshot, id)?,
        Wanted::All => (
            features(snapshot, organization.id)?,
            systems(snapshot, organization.id)?,
        ),
    };
    let (has_payment_method, deleted) = customer::marks(snapshot, customer.id)?;
    let mut features = by_id(features, |feature: &Feature| feature.id);
    if deleted {
        // Who found the customer before the deletion committed finds nothing that grants.
        features
            .values_mut()
            .for_each(|one| one.default_value = None);
    }
    let credit_systems = by_id(credit_systems, |system: &CreditSystem| system.id);
    let subjects: Vec<Uuid> = features
        .keys()
        .chain(credit_systems.keys())
        .copied()
        .collect();
    let subscriptions = customer::subscriptions(snapshot, customer.id)?;
    let plan_changes = customer::plan_changes(snapshot, customer.id)?;
    let mut plan_ids: Vec<Uuid> = subscriptions.iter().map(|s| s.plan_id).collect();
    plan_ids.extend(plan_changes.iter().map(|change| change.to_plan_id));
    let plans = catalog::plans(snapshot, organization.id, plan_ids)?;
    let loaded: Vec<Uuid> = plans.iter().map(|plan| plan.id).collect();
    let plan_features = catalog::plan_features(snapshot, loaded, subjects.clone())?;
    // A customer may have very many entities; they matter where each has the limit to itself.
    let by_entity = plan_features.iter().any(|row| row.scope == Scope::Entity);
    let (entity_count, entity_added) = if by_entity {
        customer::entities(snapshot, customer.id)?
    } else {
        (0, BTreeMap::new())
    };
    Ok(Facts {
        customer_id: customer.id,
        customer_created_at: customer.created_at,
        zone: zone(organization, Some(customer)),
        grace_days: organization.grace_days,
        plan_features,
        plans: by_id(plans, |plan| plan.id),
        subscriptions,
        plan_changes,
        overrides: customer::overrides(snapshot, customer.id)?,
        grants: customer::grants(snapshot, customer.id, subjects)?,
        features,
        credit_systems,
        has_payment_method,
        entity_count,
        entity_added,
    })
}

fn by_id<T>(rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> BTreeMap<Uuid, T> {
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

/// Adds a plan, and the plans that may follow it, to the facts of a customer.
///
/// # Errors
/// As `spi::read`.
pub fn include_plan(
    snapshot: &Snapshot,
    organization: &Organization,
    facts: &mut Facts,
    plan_id: Uuid,
) -> Result<()> {
    let mut plans = catalog::plans(snapshot, organization.id, vec![plan_id])?;
    plans.retain(|plan| !facts.plans.contains_key(&plan.id));
    let ids: Vec<Uuid> = plans.iter().map(|plan| plan.id).collect();
    let subjects = facts.features.keys().chain(facts.credit_systems.keys());
    let subjects = subjects.copied().collect();
    facts
        .plan_features
        .extend(catalog::plan_features(snapshot, ids, subjects)?);
    facts
        .plans
        .extend(plans.into_iter().map(|plan| (plan.id, plan)));
    Ok(())
}
