//! What a judged event leaves: rows of usage, and events where a limit was crossed.

use super::UsageEvent;
use super::judgement::Judged;
use crate::db;
use crate::db::event::Event;
use crate::error::Result;
use crate::flow::context::Context;
use crate::meter::Posting;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::Entitlement;
use owostack_domain::quantity::Quantity;
use serde_json::{Value, json};
use uuid::Uuid;

/// Something that happens once per period.
pub struct Crossing {
    customer_id: Uuid,
    kind: &'static str,
    /// Unique among the customer's crossings.
    name: String,
    data: Value,
}

/// One posting for each line that was drawn.
pub fn postings(
    event: &UsageEvent,
    entitlement: &Entitlement,
    happened_at: DateTime<Utc>,
    judged: &Judged,
) -> Vec<Posting> {
    let lines = judged.drawn.lines.iter();
    lines
        .filter_map(|line| {
            let source = entitlement.sources.get(line.source)?;
            Some(Posting {
                key: line.meter.clone(),
                period: source.period,
                amount: line.amount,
                units: line.units,
                feature_id: entitlement.feature_id,
                kind: source.kind.as_str(),
                at: happened_at,
                entity: event.entity.clone(),
                metadata: event.metadata.clone(),
            })
        })
        .collect()
}

/// The limits that an event crossed.
pub fn crossings(customer_id: Uuid, entitlement: &Entitlement, judged: &Judged) -> Vec<Crossing> {
    let (before, after) = (&judged.before, &judged.decision);
    let period = entitlement
        .sources
        .iter()
        .find(|source| source.is_allowance())
        .or(entitlement.sources.first())
        .map(|source| (source.meter.id(), source.period.number));
    let Some((meter_id, number)) = period else {
        return Vec::new();
    };
    let cross = |kind: &'static str| Crossing {
        customer_id,
        kind,
        name: format!("{kind} {meter_id} {number}"),
        data: json!({
            "feature": entitlement.slug,
            "usage": after.usage,
            "usage_limit": after.usage_limit,
            "resets_at": after.resets_at,
        }),
    };
    let mut crossings = Vec::new();
    if let Some(limit) = after.usage_limit
        && limit.is_positive()
        && before.usage < limit
        && after.usage >= limit
    {
        crossings.push(cross("usage.limit_reached"));
    }
    if entitlement.credit.is_some()
        && before.balance.is_some_and(Quantity::is_positive)
        && after.balance.is_some_and(Quantity::is_zero)
    {
        crossings.push(cross("credits.exhausted"));
    }
    crossings
}

/// Writes the events of crossings.
///
/// # Errors
/// As the statements.
pub fn announce(context: &Context, crossings: Vec<Crossing>) -> Result<()> {
    for crossing in crossings {
        let event = Event {
            kind: crossing.kind,
            organization_id: context.organization.id,
            organization: &context.organization.slug,
            customer_id: crossing.customer_id,
            at: context.now,
            data: crossing.data,
        };
        db::event::append_once(&event, &crossing.name)?;
    }
    Ok(())
}
