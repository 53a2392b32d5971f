//! What is left of a customer's credits, system by system (`api.md` 6).

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::facts::Wanted;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::standing::Standing;
use crate::meter::Used;
use chrono::{DateTime, Utc};
use owostack_domain::draw;
use owostack_domain::entitlement::{Entitlement, Source, SourceKind};
use owostack_domain::quantity::Quantity;
use std::collections::BTreeSet;
use uuid::Uuid;

/// One row of `owo_credits`.
#[derive(Debug, Clone)]
pub struct CreditRow {
    pub system: String,
    /// `plan`, `addon`, `rollover`, `grant` or `pack`.
    pub source: String,
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
    let mut systems: BTreeSet<(&str, Uuid)> = BTreeSet::new();
    for system in standing.facts().credit_systems.values() {
        systems.insert((&system.slug, system.id));
    }
    let origins = db::credit::origins(snapshot, customer.id)?;
    let mut rows = Vec::new();
    for (slug, id) in systems {
        let Some((pool, used)) = pool(context, snapshot, &standing, id)? else {
            continue;
        };
        for source in &pool.sources {
            let origin = origins.get(&source.source_id).map(String::as_str);
            rows.push(row(slug, origin, source, &used));
        }
    }
    Ok(rows)
}

/// What a customer can spend of a system; None: without bound.
///
/// # Errors
/// As the statements.
pub fn balance(
    context: &Context,
    customer: &Customer,
    system_id: Uuid,
) -> Result<Option<Quantity>> {
    let snapshot = Snapshot::latest()?;
    let standing = Standing::load(context, &snapshot, customer, Wanted::All)?;
    let Some((pool, used)) = pool(context, &snapshot, &standing, system_id)? else {
        return Ok(Some(Quantity::ZERO));
    };
    let rooms = pool.sources.iter().map(|source| draw::room(source, &used));
    let rooms: Option<Vec<Quantity>> = rooms.collect();
    // A sum that leaves the range is as good as its end.
    Ok(rooms.map(|rooms| Quantity::checked_sum(rooms).unwrap_or(Quantity::LIMIT)))
}

fn pool(
    context: &Context,
    snapshot: &Snapshot,
    standing: &Standing,
    system_id: Uuid,
) -> Result<Option<(Entitlement, Used)>> {
    let Some(pool) = standing.pool(snapshot, system_id, context.now)? else {
        return Ok(None);
    };
    let mut used = Used::new();
    standing.load_used(snapshot, &pool, &mut used)?;
    Ok(Some((pool, used)))
}

fn row(system: &str, origin: Option<&str>, source: &Source, used: &Used) -> CreditRow {
    let is_grant = source.kind == SourceKind::Grant;
    CreditRow {
        system: system.to_owned(),
        source: origin.unwrap_or(source.kind.as_str()).to_owned(),
        granted: source.limit,
        used: draw::used_of(source, used),
        remaining: draw::room(source, used),
        expires_at: if is_grant || source.kind == SourceKind::Rollover {
            source.expires_at
        } else {
            source.period.end
        },
        priority: is_grant.then_some(source.priority),
    }
}
