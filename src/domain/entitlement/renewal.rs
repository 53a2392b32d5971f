//! The base plan that a feature is renewed with.
//!
//! Called by `flow/overriding` for overrides that last until the renewal. Invariant: overrides do not
//! matter, nor whether the plan has the feature on or off: it is about whose period counts.

use uuid::Uuid;

use super::facts::{Facts, Subject};
use super::live::Standing;
use super::part::entry_of;
use crate::period::Time;

/// The live base subscription whose plan says anything about a feature, itself or through a credit
/// system that pays for it; of several the best by rank.
#[must_use]
pub fn base_plan(facts: &Facts, feature_id: Uuid, at: Time) -> Option<Uuid> {
    let paid_from = facts.credit_systems.values();
    let paid_from = paid_from.filter(|system| system.costs.contains_key(&feature_id));
    let subjects: Vec<Subject> = std::iter::once(Subject::Feature(feature_id))
        .chain(paid_from.map(|system| Subject::CreditSystem(system.id)))
        .collect();
    let standing = Standing::at(facts, at);
    let mut bases = standing.live.iter().filter(|live| !live.plan.is_addon);
    bases
        .find(|live| {
            subjects
                .iter()
                .any(|subject| entry_of(facts, live.plan.id, *subject).is_some())
        })
        .map(|live| live.subscription.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlement::fixture::{CALLS, IMAGES, SSO, World, quantity, time};

    #[test]
    fn overrides_and_switches_do_not_matter() {
        let mut world = World::with_credits("10");
        let at = time("2026-02-01");
        let base = base_plan(&world.facts, IMAGES, at);
        assert!(base.is_some(), "credits of the plan pay for images");
        assert_eq!(base_plan(&world.facts, SSO, at), None);
        world.overrule(400, IMAGES).usage_limit = Some(quantity("5"));
        world.first_entry().enabled = false;
        assert_eq!(base_plan(&world.facts, IMAGES, at), base);
        assert_eq!(base_plan(&world.facts, CALLS, at), base);
    }
}
