//! The pool of one credit system, apart from any feature that spends from it.
//!
//! Called by `flow/credit` for the list of credits and the balance after a purchase. Invariant: the
//! sources are those that a feature paid from this system alone would have, in the same order.
//! Deliberately absent: overrides, which are about features.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::facts::{CreditSystem, Facts, Feature, FeatureType};
use super::{Entitlement, resolve};
use crate::period::Time;
use crate::quantity::Quantity;

/// What can be spent of a system at a moment, in credits; `None` when the system is not loaded.
#[must_use]
pub fn pool(facts: &Facts, system_id: Uuid, at: Time) -> Option<Entitlement> {
    let system = facts.credit_systems.get(&system_id)?;
    // No entry or override is about a feature of this id: a unit of it is one credit.
    let unit = Feature {
        id: system.id,
        slug: system.slug.clone(),
        feature_type: FeatureType::Metered,
        default_value: None,
        free_at_period_end: false,
    };
    let alone = CreditSystem {
        costs: BTreeMap::from([(unit.id, Quantity::ONE)]),
        ..system.clone()
    };
    let facts = Facts {
        features: BTreeMap::from([(unit.id, unit)]),
        credit_systems: BTreeMap::from([(system_id, alone)]),
        ..facts.clone()
    };
    Some(resolve(&facts, system_id, None, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlement::GrantClosing;
    use crate::entitlement::fixture::{CREDITS, World, quantity, time};
    use crate::entitlement::{Reason, SourceKind};

    fn kinds(world: &World, at: &str) -> Vec<(SourceKind, Option<Quantity>)> {
        let pool = pool(&world.facts, CREDITS, time(at)).unwrap();
        let sources = pool.sources.iter();
        sources.map(|one| (one.kind, one.limit)).collect()
    }

    #[test]
    fn plan_credits_come_before_grants_by_priority() {
        let mut world = World::with_credits("10");
        world.grant(300, "20");
        world.grant(301, "5").priority = 1;
        let expected = [
            (SourceKind::Plan, Some(quantity("10"))),
            (SourceKind::Grant, Some(quantity("5"))),
            (SourceKind::Grant, Some(quantity("20"))),
        ];
        assert_eq!(kinds(&world, "2026-02-01"), expected);
    }

    #[test]
    fn a_system_without_features_or_plans_has_its_grants() {
        let mut world = World::new();
        world.system();
        for system in world.facts.credit_systems.values_mut() {
            system.costs.clear();
        }
        world.grant(300, "20");
        let expected = [(SourceKind::Grant, Some(quantity("20")))];
        assert_eq!(kinds(&world, "2026-02-01"), expected);
        assert!(pool(&world.facts, Uuid::from_u128(999), time("2026-02-01")).is_none());
    }

    #[test]
    fn what_was_closed_gives_nothing_at_any_moment() {
        for closing in [GrantClosing::Expired, GrantClosing::Voided] {
            let mut world = World::new();
            world.system();
            world.grant(300, "20").closed = Some(closing);
            let pool = pool(&world.facts, CREDITS, time("2026-02-01")).unwrap();
            assert!(pool.sources.is_empty());
            let reason = pool.ignored.first().map(|one| one.reason);
            let expected = match closing {
                GrantClosing::Expired => Reason::Expired,
                GrantClosing::Voided => Reason::Voided,
            };
            assert_eq!(reason, Some(expected));
        }
    }
}
