//! Resolution: from the facts about a customer to its entitlement for one feature.
//!
//! Called by `flow/` for every answer that is not cached. Invariant: pure, and the same whatever
//! the order of the rows. Deliberately absent: usage; and amounts of rollover (`expand`).

use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

use super::candidate::Candidate;
use super::counted::Found;
use super::facts::{Facts, Feature, FeatureType, Subject};
use super::live::{Live, Standing, changes_after};
use super::order::draw_order;
use super::part::{Case, entry_of, in_force};
use super::source::{Credit, Ignored, Overage};
use super::{Entitlement, GrantState};
use crate::period::Time;

/// What the customer is entitled to for a feature at a moment.
///
/// The facts were advanced to the present; a moment before it is judged by who was live then, or,
/// if nobody was, by who is live now at their start.
#[must_use]
pub fn resolve(facts: &Facts, feature_id: Uuid, entity: Option<&str>, at: Time) -> Entitlement {
    let Some(feature) = facts.features.get(&feature_id) else {
        return Entitlement::nothing(feature_id, at);
    };
    let standing = Standing::at(facts, at);
    let case = Case {
        facts,
        feature,
        entity,
        standing: &standing,
        credit: credit(facts, &standing, feature),
        priced: facts
            .credit_systems
            .values()
            .any(|system| system.costs.contains_key(&feature.id)),
    };
    let (found, value) = match feature.feature_type {
        FeatureType::Metered | FeatureType::Entity => (case.found(), None),
        FeatureType::Boolean | FeatureType::Static => {
            let flag = case.flag();
            let granted = !flag.found.candidates.is_empty();
            // What is on has the value true, whatever the default would have been.
            let rest = match feature.feature_type {
                FeatureType::Boolean => Some(Value::Bool(true)),
                _ => feature.default_value.clone(),
            };
            (flag.found, flag.value.or(rest.filter(|_| granted)))
        }
    };
    let mut entitlement = Entitlement {
        slug: feature.slug.clone(),
        feature_type: feature.feature_type,
        at: standing.at,
        value,
        ..Entitlement::nothing(feature_id, standing.at)
    };
    entitlement.grant = state(&case, &found);
    entitlement.credit = case.credit.clone();
    fill(&mut entitlement, &case, found);
    entitlement.valid_until = valid_until(&case, &entitlement);
    entitlement
}

/// Copies what was found, in draw order, and what the plans behind it say about money and trials.
fn fill(entitlement: &mut Entitlement, case: &Case<'_>, found: Found<'_>) {
    let mut candidates = found.candidates;
    if case.is_counted() {
        candidates.sort_by_cached_key(|candidate| draw_order(&candidate.source));
    }
    let behind = candidates
        .iter()
        .filter_map(|candidate| candidate.live)
        .min_by_key(|live| rank_of(case, live));
    if let Some(live) = behind.or(case.standing.live.first()) {
        entitlement.plan = Some(live.plan.slug.clone());
        entitlement.status = Some(live.subscription.status);
        entitlement.trial = live.trial;
        entitlement.trial_ends_at = live.subscription.trial_ends_at.filter(|_| live.trial);
    }
    if let Some(paid) = candidates.iter().find(|one| one.source.usage_based) {
        entitlement.usage_based = true;
        entitlement.billable = paid.live.is_some_and(|live| !live.trial);
    }
    let overage = pick(&candidates, |one| charges_overage(one) && !in_trial(one));
    entitlement.overage = overage.map(|(source, one)| Overage {
        source,
        max: one.entry.and_then(|entry| entry.overage_limit),
    });
    entitlement.overage_blocked = overage.is_none() && candidates.iter().any(charges_overage);
    entitlement.pricing = overage
        .or_else(|| pick(&candidates, |one| one.source.usage_based))
        .or_else(|| pick(&candidates, has_pricing))
        .filter(|(_, one)| has_pricing(one))
        .and_then(|(_, one)| one.entry.map(|entry| Arc::new(entry.pricing.clone())));
    entitlement.ignored = found.ignored;
    entitlement.ignored.sort_by_cached_key(Ignored::order);
    entitlement.sources = candidates.into_iter().map(|one| one.source).collect();
    entitlement.set_resets();
}

/// The candidate of the first plan that fits, its own units before credits.
fn pick<'a, 'b>(
    candidates: &'b [Candidate<'a>],
    fits: impl Fn(&Candidate<'a>) -> bool,
) -> Option<(usize, &'b Candidate<'a>)> {
    candidates
        .iter()
        .enumerate()
        .filter(|(_, one)| one.source.rollover.is_none() && fits(one))
        .min_by_key(|(_, one)| (one.source.in_credits(), one.place))
}

fn charges_overage(candidate: &Candidate<'_>) -> bool {
    let charged = |entry: &super::facts::PlanFeature| entry.overage_charged && !entry.usage_based;
    candidate.source.limit.is_some() && candidate.entry.is_some_and(charged)
}

fn in_trial(candidate: &Candidate<'_>) -> bool {
    candidate.live.is_some_and(|live| live.trial)
}

fn has_pricing(candidate: &Candidate<'_>) -> bool {
    candidate
        .entry
        .and_then(|entry| entry.pricing.as_object())
        .is_some_and(|keys| !keys.is_empty())
}

fn rank_of(case: &Case<'_>, live: &Live<'_>) -> Option<usize> {
    let id = live.subscription.id;
    let lives = &case.standing.live;
    lives.iter().position(|other| other.subscription.id == id)
}

/// The system that pays for the feature, and what a unit costs in it.
///
/// The system of the best plan that includes one, else of the grant that is drawn first. The cost
/// is one for the whole decision: the best plan's own, else the system's.
fn credit(facts: &Facts, standing: &Standing<'_>, feature: &Feature) -> Option<Credit> {
    if feature.feature_type != FeatureType::Metered {
        return None;
    }
    let prices = |id: &Uuid| {
        let system = facts.credit_systems.get(id);
        system.is_some_and(|system| system.costs.contains_key(&feature.id))
    };
    let of_plan = standing.live.iter().find_map(|live| {
        facts
            .plan_features
            .iter()
            .filter(|entry| entry.plan_id == live.plan.id && entry.enabled)
            .filter_map(|entry| match entry.subject {
                Subject::CreditSystem(id) => Some(id),
                Subject::Feature(_) => None,
            })
            .filter(prices)
            .min()
    });
    let of_grant = || {
        facts
            .grants
            .iter()
            .filter(|grant| grant.gives(standing.at))
            .filter(|grant| prices(&grant.credit_system_id))
            .min_by_key(|grant| {
                let endless = grant.expires_at.is_none();
                (
                    grant.priority,
                    endless,
                    grant.expires_at,
                    grant.created_at,
                    grant.id,
                )
            })
            .map(|grant| grant.credit_system_id)
    };
    let system = facts.credit_systems.get(&of_plan.or_else(of_grant)?)?;
    let own = standing.live.iter().find_map(|live| {
        entry_of(facts, live.plan.id, Subject::Feature(feature.id))
            .filter(|entry| entry.enabled)
            .and_then(|entry| entry.credit_cost)
    });
    Some(Credit {
        system_id: system.id,
        slug: system.slug.clone(),
        cost: own.or_else(|| system.costs.get(&feature.id).copied())?,
    })
}

/// Whether anything grants at all, and whether it grants this feature.
fn state(case: &Case<'_>, found: &Found<'_>) -> GrantState {
    if !found.candidates.is_empty() {
        return GrantState::Granted;
    }
    let at = case.standing.at;
    let live = &case.standing.live;
    let agreed = case.facts.overrides.iter().any(|held| {
        let applies = held
            .subscription_id
            .is_none_or(|id| live.iter().any(|live| live.subscription.id == id));
        let says = held.usage_limit.is_some() || held.unlimited || held.value.is_some();
        applies && in_force(held, at) && held.enabled.unwrap_or(says)
    });
    let given = case.facts.grants.iter().any(|grant| grant.gives(at));
    if !live.is_empty() || agreed || given || case.has_default() {
        GrantState::NotInPlan
    } else {
        GrantState::Nothing
    }
}

/// The next moment at which time alone changes the answer.
fn valid_until(case: &Case<'_>, entitlement: &Entitlement) -> Option<Time> {
    let at = case.standing.at;
    let facts = case.facts;
    let overrides = facts.overrides.iter().filter_map(|held| held.expires_at);
    let grants = facts.grants.iter().filter_map(|grant| grant.expires_at);
    let periods = entitlement
        .sources
        .iter()
        .flat_map(|source| [source.period.end, source.recounts_at])
        .flatten();
    overrides
        .chain(grants)
        .chain(periods)
        .filter(|moment| *moment > at)
        .chain(changes_after(facts, at))
        .min()
}
