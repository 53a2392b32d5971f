//! Credits that are given, and what is left of all of them (`api.md` 6).

use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::credit::NewGrant;
use crate::db::customer::Customer;
use crate::db::event::Event;
use crate::db::facts::Wanted;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::idempotency;
use crate::flow::standing::Standing;
use crate::flow::text;
use crate::meter::Used;
use chrono::{DateTime, Utc};
use owostack_domain::draw;
use owostack_domain::entitlement::{Entitlement, Source, SourceKind};
use owostack_domain::ids;
use owostack_domain::quantity::Quantity;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Gift<'a> {
    pub credit_system: &'a str,
    pub amount: Quantity,
    pub expires_at: Option<DateTime<Utc>>,
    pub priority: i32,
    pub reason: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}

impl Gift<'_> {
    fn check(&self, context: &Context) -> Result<()> {
        if !self.amount.is_positive() {
            return Err(Error::invalid(format!(
                "amount is {}, it must be positive",
                self.amount
            )));
        }
        if self.expires_at.is_some_and(|at| at <= context.now) {
            return Err(Error::invalid("expires_at must lie in the future"));
        }
        if let Some(reason) = self.reason {
            text::bounded("reason", reason, text::NAME_LENGTH)?;
        }
        self.idempotency_key.map_or(Ok(()), idempotency::check)
    }

    fn request(&self) -> Value {
        json!({
            "call": "credit_grant",
            "credit_system": self.credit_system,
            "amount": self.amount,
            "expires_at": self.expires_at.map(|at| at.timestamp_micros()),
            "priority": self.priority,
        })
    }
}

/// Gives credits; returns the id of the grant.
///
/// # Errors
/// `42704` unknown credit system, `22023` bad amount or date, `23505` key used otherwise.
pub fn grant(context: &Context, customer: &Customer, gift: &Gift) -> Result<Uuid> {
    gift.check(context)?;
    let system = db::credit::system(
        &Snapshot::latest()?,
        context.organization.id,
        gift.credit_system,
    )?
    .ok_or_else(|| {
        Error::undefined(format!(
            "credit system \"{}\" does not exist",
            gift.credit_system
        ))
    })?;
    if let Some(key) = gift.idempotency_key {
        idempotency::lock_key(customer.id, key);
        let snapshot = Snapshot::latest()?;
        let stored = idempotency::replay(context, &snapshot, customer.id, key, &gift.request())?;
        if let Some(stored) = stored {
            return serde_json::from_value(stored)
                .map_err(|_| Error::internal("the grant stored under an idempotency key"));
        }
    }
    let id = ids::time_ordered(context.now, random::ten_bytes()?);
    db::credit::insert(&NewGrant {
        id,
        customer_id: customer.id,
        credit_system_id: system,
        amount: gift.amount,
        expires_at: gift.expires_at,
        priority: gift.priority,
        source: "grant",
        reason: gift.reason,
        created_at: context.now,
    })?;
    db::event::append(&Event {
        kind: "credits.granted",
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: customer.id,
        at: context.now,
        data: json!({
            "credit_system": gift.credit_system, "amount": gift.amount, "grant": id,
        }),
    })?;
    if let Some(key) = gift.idempotency_key {
        idempotency::store(context, customer.id, key, gift.request(), json!(id))?;
    }
    Ok(id)
}

/// One row of `owo_credits`.
#[derive(Debug, Clone)]
pub struct CreditRow {
    pub system: String,
    pub source: &'static str,
    /// None: unlimited.
    pub granted: Option<Quantity>,
    pub used: Quantity,
    pub remaining: Option<Quantity>,
    pub expires_at: Option<DateTime<Utc>>,
    pub priority: Option<i32>,
}

/// Credits of a customer, system by system, in draw order.
///
/// # Errors
/// As the statements.
pub fn list(context: &Context, snapshot: &Snapshot, customer: &Customer) -> Result<Vec<CreditRow>> {
    let standing = Standing::load(context, snapshot, customer, Wanted::All)?;
    let mut rows = Vec::new();
    let mut systems: BTreeSet<(&str, Uuid)> = BTreeSet::new();
    for system in standing.facts().credit_systems.values() {
        systems.insert((&system.slug, system.id));
    }
    for (slug, id) in systems {
        let Some(entitlement) = pool(context, snapshot, &standing, id)? else {
            continue;
        };
        let mut used = Used::new();
        standing.load_used(snapshot, &entitlement, &mut used)?;
        let sources = entitlement.sources.iter();
        rows.extend(
            sources
                .filter(|source| source.subject.id() == id)
                .map(|source| row(slug, source, &used)),
        );
    }
    Ok(rows)
}

/// The entitlement of some feature that is paid from the system.
fn pool(
    context: &Context,
    snapshot: &Snapshot,
    standing: &Standing,
    system_id: Uuid,
) -> Result<Option<Entitlement>> {
    let Some(system) = standing.facts().credit_systems.get(&system_id) else {
        return Ok(None);
    };
    for feature_id in system.costs.keys() {
        let entitlement = standing.entitlement(snapshot, *feature_id, None, context.now)?;
        if entitlement
            .credit
            .as_ref()
            .is_some_and(|credit| credit.system_id == system_id)
        {
            return Ok(Some(entitlement));
        }
    }
    Ok(None)
}

fn row(system: &str, source: &Source, used: &Used) -> CreditRow {
    let is_grant = source.kind == SourceKind::Grant;
    CreditRow {
        system: system.to_owned(),
        source: source.kind.as_str(),
        granted: source.limit,
        used: draw::used_of(source, used),
        remaining: draw::room(source, used),
        expires_at: if is_grant {
            source.expires_at
        } else {
            source.period.end
        },
        priority: is_grant.then_some(source.priority),
    }
}
