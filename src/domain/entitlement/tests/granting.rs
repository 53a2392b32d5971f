//! Who grants: states of subscriptions, several of them, defaults, entity scope, late events.

use serde_json::json;

use crate::decision::Code;
use crate::entitlement::facts::{Scope, Status, Subject};
use crate::entitlement::fixture::*;
use crate::entitlement::{GrantState, SourceKind, resolve};
use crate::interval::{Interval, Reset};
use crate::meter_key::MeterSource;
use crate::quantity::Quantity;

const AT: &str = "2026-02-01";

fn granted(world: &World, at: &str) -> bool {
    world.resolve(CALLS, at).grant == GrantState::Granted
}

#[test]
fn live_states_grant_and_others_do_not() {
    for (status, grants) in [
        (Status::Incomplete, false),
        (Status::Trialing, true),
        (Status::Active, true),
        (Status::PastDue, true),
        (Status::Paused, false),
        (Status::Canceled, false),
        (Status::Expired, false),
    ] {
        let mut world = World::with_calls("10");
        world.subscription(200).status = status;
        world.subscription(200).ended_at = None;
        assert_eq!(granted(&world, AT), grants, "{status:?}");
        let entitlement = world.resolve(CALLS, AT);
        assert_eq!(entitlement.ignored.is_empty(), grants, "{status:?}");
        if !grants {
            assert_eq!(entitlement.grant, GrantState::Nothing);
        }
    }
}

#[test]
fn past_due_keeps_access_for_the_grace_days() {
    let mut world = World::with_calls("10");
    world.subscription(200).status = Status::PastDue;
    world.subscription(200).past_due_since = Some(time("2026-02-01T12:00:00Z"));
    assert!(granted(&world, "2026-02-08T11:59:59.999999Z"));
    assert!(!granted(&world, "2026-02-08T12:00:00Z"));
    assert_eq!(
        world.resolve(CALLS, "2026-02-05").valid_until,
        Some(time("2026-02-08T12:00:00Z"))
    );
    world.facts.grace_days = 0;
    assert!(!granted(&world, "2026-02-01T12:00:00Z"));
    // However many they become, what was given up is not revived; until then it had been granted.
    world.facts.grace_days = 3650;
    world.subscription(200).given_up_at = Some(time("2026-02-04"));
    assert!(granted(&world, "2026-02-03"));
    assert!(!granted(&world, "2026-02-04"));
    // Per subscription: another one goes on granting.
    world.addon(101);
    world.entry(101, Subject::Feature(CALLS)).limit = Some(quantity("3"));
    world.subscribe(201, 101, "2026-01-20");
    let decision = Book::default().check(&world, CALLS, "2026-02-09", "3");
    assert_eq!(decision.usage_limit, Some(quantity("3")));
}

#[test]
fn meters_of_a_base_plan_belong_to_the_group_others_to_the_subscription() {
    let mut world = World::with_calls("10");
    world.addon(101);
    world.entry(101, Subject::Feature(CALLS)).limit = Some(quantity("5"));
    world.subscribe(201, 101, "2026-01-20");
    let sources = world.resolve(CALLS, AT).sources;
    assert_eq!(sources[0].kind, SourceKind::Plan);
    assert_eq!(sources[0].meter.source, MeterSource::Group(GROUP));
    assert_eq!(sources[1].kind, SourceKind::Addon);
    assert_eq!(sources[1].meter.source, MeterSource::Subscription(id(201)));
}

#[test]
fn a_switch_in_the_group_keeps_the_count() {
    let mut world = World::with_calls("100");
    let mut book = Book::default();
    book.track(&world, CALLS, AT, "80");
    world.plan(101);
    world.entry(101, Subject::Feature(CALLS)).limit = Some(quantity("150"));
    let old = world.subscription(200);
    old.status = Status::Canceled;
    old.ended_at = Some(time("2026-02-02"));
    world.subscribe(201, 101, "2026-02-02").anchor_at = time("2026-01-15");
    let decision = book.check(&world, CALLS, "2026-02-03", "70");
    assert_eq!(figures(&decision), ["80", "150", "70", "0"]);
}

#[test]
fn allowances_add_up_and_a_track_spans_them() {
    let mut world = World::with_calls("10");
    world.addon(101);
    world.entry(101, Subject::Feature(CALLS)).limit = Some(quantity("5"));
    world.subscribe(201, 101, "2026-01-20");
    world.subscribe(202, 101, "2026-01-21");
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, AT, "17");
    assert_eq!(figures(&decision), ["17", "20", "3", "0"]);
    assert_eq!(drawn_of(&decision), ["plan 10", "addon 5", "addon 2"]);
}

#[test]
fn booleans_are_any_and_statics_take_the_highest_rank() {
    let mut world = World::with_calls("10");
    world.addon(101).rank = Some(9);
    world.subscribe(201, 101, "2026-01-20");
    world.entry(100, Subject::Feature(SSO)).enabled = false;
    world.entry(101, Subject::Feature(SSO));
    world.entry(100, Subject::Feature(REGION)).value = Some(json!("eu"));
    world.entry(101, Subject::Feature(REGION)).value = Some(json!("us"));
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::Granted);
    let entitlement = world.resolve(REGION, AT);
    assert_eq!(entitlement.value, Some(json!("us")));
    assert_eq!(entitlement.plan.as_deref(), Some("plan101"));
    world.plan(100).rank = Some(10);
    let mut ranked = world.clone();
    ranked.facts.plans.get_mut(&id(100)).unwrap().rank = Some(10);
    assert_eq!(ranked.resolve(REGION, AT).value, Some(json!("eu")));
}

#[test]
fn a_boolean_is_off_when_disabled_or_false() {
    let mut world = World::with_calls("10");
    world.entry(100, Subject::Feature(SSO)).value = Some(json!(false));
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::NotInPlan);
    world.feature(SSO).default_value = Some(json!(true));
    // The plan speaks before the default.
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::NotInPlan);
}

#[test]
fn an_entry_switched_off_is_not_in_the_plan() {
    let mut world = World::with_calls("10");
    world.first_entry().enabled = false;
    world.feature(CALLS).default_value = Some(json!(7));
    let decision = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(decision.code, Code::FeatureNotInPlan);
}

#[test]
fn defaults_need_no_subscription() {
    let mut world = World::new();
    world.feature(CALLS).default_value = Some(json!(7));
    world.feature(SSO).default_value = Some(json!(true));
    world.feature(REGION).default_value = Some(json!({"zone": 1}));
    world.feature(SEATS).default_value = Some(json!(2));
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, "2026-02-20", "3");
    assert_eq!(figures(&decision), ["3", "7", "4", "0"]);
    assert_eq!(drawn_of(&decision), ["default 3"]);
    // Monthly, anchored at the customer's creation.
    assert_eq!(decision.resets_at, Some(time("2026-03-01")));
    assert_eq!(decision.details.get("plan"), None);
    assert_eq!(world.resolve(SSO, AT).grant, GrantState::Granted);
    assert_eq!(world.resolve(REGION, AT).value, Some(json!({"zone": 1})));
    let seats = world.resolve(SEATS, AT);
    assert_eq!(seats.sources[0].limit, Some(quantity("2")));
    assert_eq!(world.resolve(IMAGES, AT).grant, GrantState::Nothing);
}

#[test]
fn a_plan_replaces_the_default() {
    let mut world = World::with_calls("10");
    world.feature(CALLS).default_value = Some(json!(7));
    let decision = Book::default().check(&world, CALLS, AT, "1");
    assert_eq!(decision.usage_limit, Some(quantity("10")));
    // A plan that does not name the feature leaves the default alone.
    world.feature(IMAGES).default_value = Some(json!("2.5"));
    let decision = Book::default().check(&world, IMAGES, AT, "1");
    assert_eq!(decision.usage_limit, Some(quantity("2.5")));
}

#[test]
fn entity_scope_gives_each_entity_its_own_pool() {
    let mut world = World::with_calls("10");
    world.first_entry().scope = Scope::Entity;
    world.facts.entity_count = 3;
    let mut book = Book::default();
    for entity in ["a", "b"] {
        let at = time(AT);
        let decision = book.track_at(&world, CALLS, Some(entity), at, quantity("10"));
        assert_eq!(figures(&decision), ["10", "10", "0", "0"]);
        assert!(
            !book
                .track_at(&world, CALLS, Some(entity), at, Quantity::ONE)
                .allowed
        );
    }
    // Without an entity: the sums, marked so that nothing is drawn from them.
    let entitlement = resolve(&world.facts, CALLS, None, time(AT));
    assert!(entitlement.sources[0].sums_over_entities());
    assert_eq!(entitlement.sources[0].limit, Some(quantity("30")));
    assert_eq!(entitlement.sources[0].meter.entity, None);
}

#[test]
fn customer_scope_only_tags_the_entity() {
    let world = World::with_calls("10");
    let mut book = Book::default();
    book.track_at(&world, CALLS, Some("a"), time(AT), quantity("6"));
    let decision = book.track_at(&world, CALLS, Some("b"), time(AT), quantity("5"));
    assert_eq!(decision.code, Code::LimitExceeded);
    assert_eq!(figures(&decision), ["6", "10", "4", "0"]);
}

#[test]
fn a_late_event_is_judged_by_who_was_live_then() {
    let mut world = World::with_calls("10");
    let old = world.subscription(200);
    old.status = Status::Canceled;
    old.ended_at = Some(time("2026-03-01"));
    world.plan(101);
    world.entry(101, Subject::Feature(CALLS)).limit = Some(quantity("99"));
    world.subscribe(201, 101, "2026-03-01").count_number = 2;
    let entitlement = world.resolve(CALLS, "2026-02-20");
    assert_eq!(entitlement.sources[0].source_id, id(200));
    assert_eq!(entitlement.sources[0].period.number, 1);
    assert_eq!(entitlement.at, time("2026-02-20"));
    // Nobody was live: who is live now, at its start.
    let entitlement = world.resolve(CALLS, "2026-01-01");
    assert_eq!(entitlement.sources[0].source_id, id(201));
    assert_eq!(entitlement.at, time("2026-03-01"));
    assert_eq!(entitlement.sources[0].period.number, 0);
}

#[test]
fn a_moment_before_the_count_belongs_to_its_first_period() {
    let mut world = World::with_calls("10");
    // A trial from 15 January was converted on 1 February.
    world.subscription(200).anchor_at = time("2026-02-01");
    world.subscription(200).trial_ends_at = Some(time("2026-02-01"));
    let entitlement = world.resolve(CALLS, "2026-01-20");
    assert_eq!(entitlement.sources[0].period.number, 0);
    assert!(!entitlement.trial);
}

#[test]
fn an_abandoned_checkout_was_never_live() {
    let mut world = World::with_calls("10");
    let waiting = world.subscription(200);
    waiting.status = Status::Expired;
    waiting.ended_at = Some(time("2026-03-01"));
    waiting.count_number = 0;
    assert!(!granted(&world, AT));
}

#[test]
fn valid_until_is_the_next_date_that_matters() {
    let mut world = World::with_calls("10");
    let valid_until = |world: &World| world.resolve(CALLS, AT).valid_until;
    assert_eq!(valid_until(&world), Some(time("2026-02-15")));
    world.subscription(200).cancel_at = Some(time("2026-02-12"));
    assert_eq!(valid_until(&world), Some(time("2026-02-12")));
    world.system();
    world.grant(300, "5").expires_at = Some(time("2026-02-11"));
    assert_eq!(valid_until(&world), Some(time("2026-02-11")));
    world.overrule(400, CALLS).expires_at = Some(time("2026-02-10"));
    assert_eq!(valid_until(&world), Some(time("2026-02-10")));
    world.addon(101);
    let entry = world.entry(101, Subject::Feature(CALLS));
    entry.reset = Reset::Every(Interval::Hourly);
    world.subscribe(201, 101, "2026-01-20");
    assert_eq!(valid_until(&world), Some(time("2026-02-01T01:00:00Z")));
}
