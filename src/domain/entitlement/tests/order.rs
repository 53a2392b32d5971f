//! The order of drawing.

use crate::decision::Code;
use crate::entitlement::facts::{Scope, Subject};
use crate::entitlement::fixture::*;
use crate::entitlement::{SourceKind, resolve};
use crate::interval::{Interval, Reset};

const AT: &str = "2026-02-01";

fn order(world: &World, entity: Option<&str>) -> Vec<u128> {
    let sources = resolve(&world.facts, CALLS, entity, time(AT)).sources;
    sources.iter().map(|one| one.source_id.as_u128()).collect()
}

fn addon(world: &mut World, number: u128, limit: Option<&str>) {
    world.addon(number);
    world.entry(number, Subject::Feature(CALLS)).limit = limit.map(quantity);
    world.subscribe(number + 100, number, "2026-01-20");
}

#[test]
fn entity_scope_before_customer_scope() {
    let mut world = World::with_calls("10");
    addon(&mut world, 101, Some("5"));
    world.facts.plan_features[1].scope = Scope::Entity;
    assert_eq!(order(&world, Some("a")), [201, 200]);
}

#[test]
fn unlimited_first_so_that_limited_ones_are_kept() {
    let mut world = World::with_calls("10");
    addon(&mut world, 101, None);
    assert_eq!(order(&world, None), [201, 200]);
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, AT, "100");
    assert_eq!(drawn_of(&decision), ["addon 100"]);
    assert_eq!(decision.code, Code::Tracked);
}

#[test]
fn what_is_charged_per_unit_comes_after_what_is_included() {
    let mut world = World::with_calls("10");
    world.first_entry().limit = None;
    world.first_entry().usage_based = true;
    addon(&mut world, 101, Some("5"));
    assert_eq!(order(&world, None), [201, 200]);
    let decision = Book::default().track(&world, CALLS, AT, "8");
    assert_eq!(drawn_of(&decision), ["addon 5", "plan 3"]);
    assert_eq!(figures(&decision), ["8", "-", "-", "0"]);
}

#[test]
fn plans_before_addons_and_each_by_the_soonest_reset() {
    let mut world = World::with_calls("10");
    addon(&mut world, 101, Some("5"));
    addon(&mut world, 102, Some("5"));
    world.facts.plan_features[2].reset = Reset::Every(Interval::Daily);
    world.facts.plan_features[0].reset = Reset::Every(Interval::Never);
    assert_eq!(order(&world, None), [200, 202, 201]);
}

#[test]
fn own_units_before_credits_and_grants_last_by_priority_expiry_and_age() {
    let mut world = World::with_credits("10");
    world.entry(100, Subject::Feature(CALLS)).limit = Some(quantity("1"));
    world.grant(300, "1").created_at = time("2026-01-25");
    world.grant(301, "1");
    world.grant(302, "1").expires_at = Some(time("2026-05-01"));
    world.grant(303, "1").expires_at = Some(time("2026-04-01"));
    world.grant(304, "1").priority = 1;
    assert_eq!(order(&world, None), [200, 200, 304, 303, 302, 301, 300]);
    let sources = world.resolve(CALLS, AT).sources;
    assert!(!sources[0].in_credits());
    assert!(sources[1].in_credits());
}

#[test]
fn an_expired_grant_is_left_out() {
    let mut world = World::with_credits("10");
    world.grant(300, "100").expires_at = Some(time(AT));
    assert_eq!(order(&world, None), [200]);
    let before = resolve(&world.facts, CALLS, None, time("2026-01-31"));
    assert_eq!(before.sources[1].kind, SourceKind::Grant);
}

#[test]
fn overage_goes_to_the_plan_although_an_addon_exists() {
    let mut world = World::with_calls("10");
    addon(&mut world, 101, Some("5"));
    world.facts.plan_features[0].overage_charged = true;
    world.facts.plan_features[1].overage_charged = true;
    let decision = Book::default().track(&world, CALLS, AT, "16");
    assert_eq!(decision.code, Code::TrackedOverage);
    assert_eq!(drawn_of(&decision), ["plan 10", "addon 5", "overage 1"]);
    let entitlement = world.resolve(CALLS, AT);
    assert_eq!(entitlement.overage.unwrap().source, 0);
}
