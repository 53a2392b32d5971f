//! Seats and their like: slots taken and freed (`api.md` 3).
//!
//! Invariant: a slot is taken under the customer's lock after counting the latest rows, so that at
//! the limit exactly one of two wins; a row awaiting removal counts until it is gone (protocol 19).

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::entity::Entity;
use crate::db::event::Event;
use crate::db::facts::Wanted;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::customer::Profile;
use crate::flow::decided::Decided;
use crate::flow::standing::Standing;
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_domain::decision;
use owostack_domain::entitlement::SourceKind;
use owostack_domain::entitlement::facts::{Feature, FeatureType};
use owostack_domain::quantity::Quantity;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// One row of `owo_entity`.
#[derive(Debug, Clone)]
pub struct EntityRow {
    pub entity: String,
    pub feature: String,
    /// `active`, `pending_removal` or `removed`.
    pub status: &'static str,
    /// Slots taken.
    pub count: i64,
    /// None: unlimited.
    pub usage_limit: Option<Quantity>,
    pub remaining: Option<Quantity>,
}

/// The entity feature of that name.
fn entity_feature(context: &Context, snapshot: &Snapshot, slug: &str) -> Result<Feature> {
    let feature = db::facts::feature(snapshot, context.organization.id, slug)?
        .ok_or_else(|| Error::unknown_feature(slug))?;
    if feature.feature_type == FeatureType::Entity {
        return Ok(feature);
    }
    let (kind, call) = match feature.feature_type {
        FeatureType::Boolean => ("boolean", "owo_check()"),
        FeatureType::Static => ("static", "owo_value()"),
        _ => ("metered", "owo_track()"),
    };
    Err(Error::undefined(format!(
        "feature \"{slug}\" is {kind}, not an entity feature"
    ))
    .hint(format!("Use {call} for it.")))
}

/// Takes a slot, or gives back one that awaits removal.
///
/// # Errors
/// `23514` when full, `42704` for another type of feature.
pub fn add(
    context: &Context,
    customer: &Customer,
    feature: &str,
    key: &str,
    profile: Profile,
) -> Result<EntityRow> {
    let feature = entity_feature(context, &Snapshot::latest()?, feature)?;
    meter::enter_entities([customer.id]);
    release_due(context, customer)?;
    let snapshot = Snapshot::latest()?;
    let standing = Standing::load(context, &snapshot, customer, Wanted::Feature(feature.id))?;
    let count = db::entity::count(&snapshot, customer.id, feature.id, context.now)?;
    if let Some(existing) = db::entity::find(&snapshot, customer.id, feature.id, key)? {
        if existing.remove_at.is_some() {
            meter::writing(|| db::entity::set_removal(&existing, None))?;
        }
        return Ok(row(&standing, &feature, key, "active", count, context.now));
    }
    let entitlement = standing.resolve(feature.id, None, context.now);
    let decided: Decided = decision::entity(&entitlement, count, Quantity::ONE).into();
    decided.or_denial(Some(&feature.slug), Some(&customer.key), Quantity::ONE)?;
    let entity = Entity {
        customer_id: customer.id,
        feature_id: feature.id,
        key: key.to_owned(),
        remove_at: None,
        name: profile.name,
        email: profile.email,
        metadata: profile.metadata.unwrap_or_else(|| json!({})),
        created_at: context.now,
    };
    meter::writing(|| db::entity::insert(&entity))?;
    announce(context, &entity, "entity.added", &feature.slug)?;
    Ok(row(
        &standing,
        &feature,
        key,
        "active",
        count.saturating_add(1),
        context.now,
    ))
}

/// Frees a slot at once, or at the end of the period where the feature says so.
///
/// # Errors
/// `42704` for another type of feature.
pub fn remove(
    context: &Context,
    customer: &Customer,
    feature: &str,
    key: &str,
) -> Result<EntityRow> {
    let feature = entity_feature(context, &Snapshot::latest()?, feature)?;
    meter::enter_entities([customer.id]);
    release_due(context, customer)?;
    let snapshot = Snapshot::latest()?;
    let standing = Standing::load(context, &snapshot, customer, Wanted::Feature(feature.id))?;
    let count = db::entity::count(&snapshot, customer.id, feature.id, context.now)?;
    let Some(existing) = db::entity::find(&snapshot, customer.id, feature.id, key)? else {
        return Ok(row(&standing, &feature, key, "removed", count, context.now));
    };
    if existing.remove_at.is_some() {
        return Ok(row(
            &standing,
            &feature,
            key,
            "pending_removal",
            count,
            context.now,
        ));
    }
    if let Some(end) = due_removal(&standing, &feature, context.now) {
        meter::writing(|| db::entity::set_removal(&existing, Some(end)))?;
        return Ok(row(
            &standing,
            &feature,
            key,
            "pending_removal",
            count,
            context.now,
        ));
    }
    delete(context, &existing, &feature.slug)?;
    Ok(row(
        &standing,
        &feature,
        key,
        "removed",
        count.saturating_sub(1),
        context.now,
    ))
}

fn due_removal(
    standing: &Standing,
    feature: &Feature,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    feature
        .free_at_period_end
        .then(|| removal_date(standing, feature.id, now))?
}

/// When an entity that is removed now frees its slot, if the feature frees slots at period end;
/// None: at once.
pub fn removal_date(
    standing: &Standing,
    feature_id: Uuid,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let entitlement = standing.resolve(feature_id, None, now);
    let plan = entitlement
        .sources
        .iter()
        .find(|source| source.kind == SourceKind::Plan)?;
    let subscription = standing
        .facts()
        .subscriptions
        .iter()
        .find(|row| row.id == plan.source_id)?;
    subscription.period_end.filter(|end| *end > now)
}

/// Deletes what awaits removal and is due; the caller holds the customer's lock.
///
/// # Errors
/// As the statements.
pub fn release_due(context: &Context, customer: &Customer) -> Result<usize> {
    let snapshot = Snapshot::latest()?;
    let due = db::entity::due(&snapshot, customer.id, context.now)?;
    for entity in &due {
        let slug = db::facts::feature_slug(&snapshot, entity.feature_id)?;
        delete(context, entity, &slug)?;
    }
    Ok(due.len())
}

fn delete(context: &Context, entity: &Entity, feature: &str) -> Result<()> {
    meter::writing(|| db::entity::delete(entity))?;
    announce(context, entity, "entity.removed", feature)
}

fn announce(context: &Context, entity: &Entity, kind: &str, feature: &str) -> Result<()> {
    db::event::append(&Event {
        kind,
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: entity.customer_id,
        at: context.now,
        data: json!({ "feature": feature, "entity": entity.key }),
    })
}

/// Announces that entities were added or removed, an event for each.
///
/// # Errors
/// As the statements.
pub fn announce_many(
    context: &Context,
    customer_id: Uuid,
    kind: &str,
    feature: &str,
    keys: &[String],
) -> Result<()> {
    let data = keys
        .iter()
        .map(|key| json!({ "feature": feature, "entity": key }))
        .collect();
    let event = Event {
        kind,
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id,
        at: context.now,
        data: json!({}),
    };
    db::event::append_many(&event, data)
}

/// Entities of a customer, of one feature or all.
///
/// # Errors
/// `42704` unknown feature, or one of another type.
pub fn list(
    context: &Context,
    snapshot: &Snapshot,
    customer: &Customer,
    feature: Option<&str>,
) -> Result<Vec<EntityRow>> {
    let feature_id = match feature {
        Some(slug) => Some(entity_feature(context, snapshot, slug)?.id),
        None => None,
    };
    let entities = db::entity::list(snapshot, customer.id, feature_id)?;
    let standing = Standing::load(context, snapshot, customer, Wanted::All)?;
    let is_there = |entity: &&Entity| entity.remove_at.is_none_or(|at| at > context.now);
    let mut counts: HashMap<Uuid, i64> = HashMap::new();
    for entity in entities.iter().filter(is_there) {
        *counts.entry(entity.feature_id).or_default() += 1;
    }
    let mut rows = Vec::new();
    for entity in entities.iter().filter(is_there) {
        let Some(feature) = standing.facts().features.get(&entity.feature_id) else {
            continue;
        };
        let count = counts.get(&entity.feature_id).copied().unwrap_or(0);
        let status = if entity.remove_at.is_some() {
            "pending_removal"
        } else {
            "active"
        };
        rows.push(row(
            &standing,
            feature,
            &entity.key,
            status,
            count,
            context.now,
        ));
    }
    Ok(rows)
}

fn row(
    standing: &Standing,
    feature: &Feature,
    entity: &str,
    status: &'static str,
    count: i64,
    now: DateTime<Utc>,
) -> EntityRow {
    let entitlement = standing.resolve(feature.id, None, now);
    let decision = decision::entity(&entitlement, count, Quantity::ZERO);
    EntityRow {
        entity: entity.to_owned(),
        feature: feature.slug.clone(),
        status,
        count,
        usage_limit: decision.usage_limit,
        remaining: decision.balance,
    }
}
