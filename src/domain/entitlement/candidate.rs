//! Makers of sources: one function for each thing that can give an allowance.
//!
//! Called by `counted`, which decides what applies. Invariant: a source counts every meter it
//! replaces and draws on the first. Deliberately absent: the order of drawing (`order`).

use super::allowance::{Asked, allowance};
use super::facts::{FeatureType, Override, PlanFeature, Scope};
use super::live::Live;
use super::part::{Case, Part, plan_kind};
use super::rolling::rollover_plan;
use super::source::{Pool, Source, SourceKind};
use crate::meter_key::{MeterKey, MeterPeriod};
use crate::quantity::Quantity;

/// A source with what only resolution needs to know about it.
pub(crate) struct Candidate<'a> {
    pub source: Source,
    /// The subscription behind it.
    pub live: Option<&'a Live<'a>>,
    /// The plan entry behind it.
    pub entry: Option<&'a PlanFeature>,
    /// Place among the plans: base before add-on, then rank.
    pub place: usize,
}

impl<'a> Case<'a> {
    fn asked(&self) -> Asked<'a> {
        Asked {
            customer_id: self.facts.customer_id,
            zone: self.facts.zone,
            entity: self.entity,
            at: self.at(),
        }
    }

    fn is_metered(&self) -> bool {
        self.feature.feature_type == FeatureType::Metered
    }

    /// What a plan allows, preceded by what it rolls over.
    pub fn plan_sources(
        &self,
        part: &Part<'a>,
        place: usize,
        entry: &'a PlanFeature,
    ) -> Vec<Candidate<'a>> {
        let subscription = part.live.subscription;
        let now = allowance(self.asked(), subscription, entry);
        let pooled = entry.scope == Scope::Entity && self.entity.is_none() && self.is_metered();
        let rollover = (self.is_metered() && !pooled && !part.live.trial)
            .then(|| rollover_plan(self.facts, self.asked(), subscription, entry, &now))
            .flatten();
        let limit = plan_limit(entry, part.live.trial);
        let pools = Vec::from_iter(pooled.then(|| Pool {
            meter: now.meter.clone(),
            number: now.period.number,
        }));
        let source = Source {
            kind: plan_kind(part.live.plan.is_addon),
            source_id: subscription.id,
            scope: entry.scope,
            subject: entry.subject,
            counted: self.counted(&now.meter, now.period.number),
            meter: now.meter,
            period: now.period,
            limit: if pooled {
                self.times_entities(limit)
            } else {
                limit
            },
            recounts_at: None,
            ceiling: None,
            closed: false,
            usage_based: entry.usage_based,
            pools,
            rollover: None,
            replaced: Vec::new(),
            expires_at: None,
            priority: 0,
            created_at: subscription.started_at,
        };
        let candidate = |source| Candidate {
            source,
            live: Some(part.live),
            entry: Some(entry),
            place,
        };
        let template = rollover.map(|plan| Source {
            kind: SourceKind::Rollover,
            limit: None,
            counted: Vec::new(),
            rollover: Some(plan),
            ..source.clone()
        });
        template
            .into_iter()
            .chain([source])
            .map(candidate)
            .collect()
    }

    /// What an override allows in place of some parts; the count of the first goes on.
    pub fn override_source(
        &self,
        held: &Override,
        parts: &[(usize, Part<'a>)],
        default: Option<Quantity>,
    ) -> Candidate<'a> {
        let named: Vec<_> = parts
            .iter()
            .filter_map(|(place, part)| part.entry.map(|entry| (*place, part, entry)))
            .collect();
        let mut replaced: Vec<Candidate<'a>> = named
            .iter()
            .flat_map(|(place, part, entry)| self.plan_sources(part, *place, entry))
            .collect();
        let rollovers: Vec<_> = replaced
            .iter()
            .filter_map(|candidate| candidate.source.rollover.clone())
            .collect();
        replaced.retain(|candidate| candidate.source.rollover.is_none());
        let counted: Vec<_> = replaced
            .iter()
            .flat_map(|candidate| candidate.source.counted.iter().copied())
            .collect();
        let pools: Vec<_> = replaced
            .iter()
            .flat_map(|candidate| candidate.source.pools.iter().cloned())
            .collect();
        let ends = replaced
            .iter()
            .filter_map(|candidate| candidate.source.period.end);
        let recounts_at = ends.min();
        let limit = held.usage_limit.filter(|_| !held.unlimited);
        let place = parts.first().map_or(usize::MAX, |(place, _)| *place);
        let base = replaced.into_iter().next().unwrap_or_else(|| Candidate {
            source: match default {
                Some(_) => self.default_source(Quantity::ZERO),
                None => self.bare_override(held, parts.first().map(|(_, part)| part)),
            },
            live: None,
            entry: None,
            place,
        });
        let pooled = base.source.sums_over_entities();
        Candidate {
            source: Source {
                kind: SourceKind::Override,
                source_id: held.id,
                limit: if pooled {
                    self.times_entities(limit)
                } else {
                    limit
                },
                counted: if counted.is_empty() {
                    base.source.counted.clone()
                } else {
                    counted
                },
                usage_based: false,
                pools: if pooled { pools } else { Vec::new() },
                replaced: rollovers,
                recounts_at,
                expires_at: held.expires_at,
                ..base.source
            },
            ..base
        }
    }

    pub fn counted(&self, meter: &MeterKey, number: i64) -> Vec<MeterPeriod> {
        if self.is_metered() {
            vec![meter.in_period(number)]
        } else {
            Vec::new()
        }
    }

    /// The limit of all entities together.
    fn times_entities(&self, limit: Option<Quantity>) -> Option<Quantity> {
        let count = i128::from(self.facts.entity_count.max(0));
        limit.map(|limit| Quantity::from_raw(limit.raw().saturating_mul(count)))
    }
}

/// The limit of a plan's entry; a trial may have its own.
fn plan_limit(entry: &PlanFeature, trial: bool) -> Option<Quantity> {
    if entry.usage_based {
        return None;
    }
    if trial {
        return entry.trial_limit.or(entry.limit);
    }
    entry.limit
}
