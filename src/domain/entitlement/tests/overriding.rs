//! Overrides: of the customer, of a subscription, on, off, limits, values, expiry.

use serde_json::json;

use crate::decision::Code;
use crate::entitlement::facts::{Scope, Subject};
use crate::entitlement::fixture::*;
use crate::entitlement::{GrantState, Reason, SourceKind};
use crate::meter_key::MeterSource;

const AT: &str = "2026-02-01";

/// Plan 100 gives ten calls, add-on 101 five.
fn with_addon() -> World {
    let mut world = World::with_calls("10");
    world.addon(101);
    world.entry(101, Subject::Feature(CALLS)).limit = Some(quantity("5"));
    world.subscribe(201, 101, "2026-01-20");
    world
}

#[test]
fn a_limit_keeps_the_meter() {
    let mut world = World::with_calls("100");
    let mut book = Book::default();
    book.track(&world, CALLS, AT, "80");
    world.overrule(400, CALLS).usage_limit = Some(quantity("150"));
    let decision = book.track(&world, CALLS, AT, "10");
    assert_eq!(figures(&decision), ["90", "150", "60", "0"]);
    assert_eq!(drawn_of(&decision), ["override 10"]);
    let entitlement = world.resolve(CALLS, AT);
    assert_eq!(entitlement.sources.len(), 1);
    assert_eq!(
        entitlement.sources[0].meter.source,
        MeterSource::Group(GROUP)
    );
    assert_eq!(entitlement.sources[0].source_id, id(400));
    assert_eq!(entitlement.plan.as_deref(), Some("plan100"));
}

#[test]
fn the_customers_override_replaces_the_sum() {
    let mut world = with_addon();
    let mut book = Book::default();
    book.track(&world, CALLS, AT, "12");
    world.overrule(400, CALLS).usage_limit = Some(quantity("20"));
    // What was drawn from the add-on counts too.
    let decision = book.check(&world, CALLS, AT, "8");
    assert_eq!(figures(&decision), ["12", "20", "8", "0"]);
    let decision = book.track(&world, CALLS, AT, "8");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(book.check(&world, CALLS, AT, "1").code, Code::LimitExceeded);
}

#[test]
fn a_subscriptions_override_replaces_its_own_part() {
    let mut world = with_addon();
    let held = world.overrule(400, CALLS);
    held.subscription_id = Some(id(201));
    held.usage_limit = Some(quantity("50"));
    let decision = Book::default().check(&world, CALLS, AT, "60");
    assert_eq!(decision.usage_limit, Some(quantity("60")));
    // The customer's override then stands for the rest.
    world.overrule(401, CALLS).usage_limit = Some(quantity("1"));
    let decision = Book::default().check(&world, CALLS, AT, "51");
    assert_eq!(decision.usage_limit, Some(quantity("51")));
    assert!(decision.allowed);
}

#[test]
fn a_customers_override_gives_way_when_every_part_has_its_own() {
    let mut world = World::with_calls("10");
    let held = world.overrule(400, CALLS);
    held.subscription_id = Some(id(200));
    held.usage_limit = Some(quantity("50"));
    world.overrule(401, CALLS).usage_limit = Some(quantity("1"));
    let entitlement = world.resolve(CALLS, AT);
    assert_eq!(entitlement.sources.len(), 1);
    assert_eq!(entitlement.sources[0].limit, Some(quantity("50")));
    let outranked = entitlement
        .ignored
        .iter()
        .find(|one| one.source_id == id(401));
    assert_eq!(outranked.unwrap().reason, Reason::Outranked);
}

#[test]
fn off_switches_everything_off() {
    let mut world = with_addon();
    world.system();
    world.grant(300, "100");
    world.overrule(400, CALLS).enabled = Some(false);
    let decision = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(decision.code, Code::FeatureNotInPlan);
    assert_eq!(
        decision.message(),
        "\"calls\" is switched off by an override"
    );
    // An override of one subscription goes before.
    let held = world.overrule(401, CALLS);
    held.subscription_id = Some(id(201));
    held.enabled = Some(true);
    let decision = Book::default().check(&world, CALLS, AT, "5");
    assert_eq!(decision.usage_limit, Some(quantity("5")));
    assert!(decision.allowed);
}

#[test]
fn off_for_nobody_in_particular_is_still_no_subscription() {
    let mut world = World::new();
    world.overrule(400, CALLS).enabled = Some(false);
    assert_eq!(world.resolve(CALLS, AT).grant, GrantState::Nothing);
    world.feature(CALLS).default_value = Some(json!(5));
    assert_eq!(world.resolve(CALLS, AT).grant, GrantState::NotInPlan);
}

#[test]
fn on_revives_a_disabled_entry() {
    let mut world = World::with_calls("10");
    world.first_entry().enabled = false;
    world.overrule(400, CALLS).enabled = Some(true);
    let decision = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(decision.usage_limit, Some(quantity("10")));
}

#[test]
fn on_without_any_description_is_unlimited() {
    let mut world = World::new();
    world.overrule(400, CALLS).enabled = Some(true);
    let decision = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(decision.code, Code::AccessGranted);
    assert_eq!(decision.usage_limit, None);
    // With a default, the default describes it.
    world.feature(CALLS).default_value = Some(json!(5));
    let decision = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(decision.usage_limit, Some(quantity("5")));
}

#[test]
fn unlimited_beats_a_limit() {
    let mut world = World::with_calls("10");
    let held = world.overrule(400, CALLS);
    held.unlimited = true;
    held.usage_limit = Some(quantity("1"));
    let decision = Book::default().check(&world, CALLS, AT, "1000");
    assert_eq!(figures(&decision), ["0", "-", "-", "0"]);
    assert!(decision.allowed);
}

#[test]
fn an_override_works_without_a_plan_and_counts_monthly() {
    let mut world = World::new();
    world.overrule(400, CALLS).usage_limit = Some(quantity("3"));
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, AT, "3");
    assert_eq!(figures(&decision), ["3", "3", "0", "0"]);
    assert_eq!(decision.resets_at, Some(time("2026-03-01")));
    let entitlement = world.resolve(CALLS, AT);
    assert_eq!(
        entitlement.sources[0].meter.source,
        MeterSource::Override(id(400))
    );
    assert_eq!(world.resolve(IMAGES, AT).grant, GrantState::NotInPlan);
}

#[test]
fn an_override_of_a_default_keeps_its_count() {
    let mut world = World::new();
    world.feature(CALLS).default_value = Some(json!(5));
    let mut book = Book::default();
    book.track(&world, CALLS, AT, "4");
    world.overrule(400, CALLS).usage_limit = Some(quantity("6"));
    let decision = book.check(&world, CALLS, AT, "2");
    assert_eq!(figures(&decision), ["4", "6", "2", "0"]);
}

#[test]
fn an_override_ends_at_its_time() {
    let mut world = World::with_calls("10");
    let held = world.overrule(400, CALLS);
    held.usage_limit = Some(quantity("20"));
    held.expires_at = Some(time(AT));
    let before = Book::default().check(&world, CALLS, "2026-01-31T23:59:59Z", "1");
    assert_eq!(before.usage_limit, Some(quantity("20")));
    let after = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(after.usage_limit, Some(quantity("10")));
    let ignored = world.resolve(CALLS, AT).ignored;
    assert_eq!(ignored[0].kind, SourceKind::Override);
    assert_eq!(ignored[0].reason, Reason::Expired);
}

#[test]
fn an_override_holds_for_each_entity() {
    let mut world = World::with_calls("10");
    world.first_entry().scope = Scope::Entity;
    world.overrule(400, CALLS).usage_limit = Some(quantity("20"));
    let mut book = Book::default();
    let at = time(AT);
    for entity in ["a", "b"] {
        let decision = book.track_at(&world, CALLS, Some(entity), at, quantity("20"));
        assert_eq!(figures(&decision), ["20", "20", "0", "0"]);
    }
}

#[test]
fn overage_stays_what_the_plan_says() {
    let mut world = World::with_calls("10");
    world.first_entry().overage_charged = true;
    world.overrule(400, CALLS).usage_limit = Some(quantity("20"));
    let decision = Book::default().check(&world, CALLS, AT, "21");
    assert_eq!(decision.code, Code::OverageAllowed);
}

#[test]
fn a_limit_on_a_credit_backed_feature_replaces_the_credits() {
    let mut world = World::with_credits("100");
    world.overrule(400, IMAGES).usage_limit = Some(quantity("2"));
    let mut book = Book::default();
    let decision = book.track(&world, IMAGES, AT, "2");
    assert_eq!(figures(&decision), ["2", "2", "0", "0"]);
    assert_eq!(
        book.check(&world, IMAGES, AT, "1").code,
        Code::LimitExceeded
    );
    // The pool is untouched for others.
    let decision = book.check(&world, CALLS, AT, "50");
    assert_eq!(decision.balance, Some(quantity("50")));
}

#[test]
fn booleans_and_values_are_overridden() {
    let mut world = World::with_calls("10");
    world.entry(100, Subject::Feature(SSO));
    world.entry(100, Subject::Feature(REGION)).value = Some(json!("eu"));
    world.overrule(400, SSO).enabled = Some(false);
    world.overrule(401, REGION).value = Some(json!("us"));
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::NotInPlan);
    assert_eq!(world.resolve(REGION, AT).value, Some(json!("us")));
    let held = world.overrule(402, REGION);
    held.subscription_id = Some(id(200));
    held.value = Some(json!("ap"));
    assert_eq!(world.resolve(REGION, AT).value, Some(json!("ap")));
    let held = world.overrule(403, SSO);
    held.subscription_id = Some(id(200));
    held.enabled = Some(true);
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::Granted);
}

#[test]
fn booleans_and_values_are_overridden_without_a_plan() {
    let mut world = World::new();
    world.overrule(400, SSO).enabled = Some(true);
    world.overrule(401, REGION).value = Some(json!(3));
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::Granted);
    assert_eq!(world.resolve(REGION, AT).value, Some(json!(3)));
}

#[test]
fn entity_limits_are_overridden() {
    let mut world = World::with_calls("10");
    world.entry(100, Subject::Feature(SEATS)).limit = Some(quantity("3"));
    world.overrule(400, SEATS).usage_limit = Some(quantity("8"));
    let sources = world.resolve(SEATS, AT).sources;
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0].limit, Some(quantity("8")));
}
