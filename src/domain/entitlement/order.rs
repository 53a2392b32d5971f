//! The one order in which sources are drawn from.
//!
//! Called by `resolve`, and by `expand` once rollovers are known. Invariant: a total order that
//! depends on the sources alone. Deliberately absent: overage, which comes after all of them.

use chrono::DateTime;

use super::facts::Scope;
use super::source::{Source, SourceKind};
use crate::period::Time;

/// Compares by where a source stands in the order; smaller is drawn first.
///
/// What is charged per unit comes last. Otherwise entity scope before customer scope, unlimited
/// first, the feature's own units before credits, then by kind and by what ends soonest.
pub(crate) fn draw_order(source: &Source) -> impl Ord + use<> {
    let shared = source.scope == Scope::Customer;
    let kind = match source.kind {
        SourceKind::Rollover => 0,
        SourceKind::Plan | SourceKind::Override | SourceKind::Default => 1,
        SourceKind::Addon => 2,
        SourceKind::Grant => 3,
    };
    let ends = match source.kind {
        SourceKind::Rollover | SourceKind::Grant => source.expires_at,
        _ => source.period.end,
    };
    (
        source.usage_based,
        shared,
        !source.is_unlimited(),
        source.in_credits(),
        (kind, source.priority, sooner(ends), source.created_at),
        // What is the same in all that counts: the smaller one, so that no id decides.
        source.limit.filter(|_| source.kind != SourceKind::Rollover),
        (source.source_id, source.meter.origin, source.kind),
    )
}

/// What never ends comes after everything that does.
const fn sooner(end: Option<Time>) -> Time {
    match end {
        Some(end) => end,
        None => DateTime::<chrono::Utc>::MAX_UTC,
    }
}
