//! The rules of the contract about codes, numbers, credits and details, one by one.

mod credit;

use serde_json::json;

use super::*;
use crate::entitlement::Subject;
use crate::entitlement::facts::{FeatureStart, Status};
use crate::entitlement::fixture::*;
use crate::interval::{Cadence, Interval, Reset};

#[test]
fn nothing_at_all_grants() {
    let decision = Book::default().check(&World::new(), CALLS, "2026-02-01", "1");
    assert_eq!(decision.code, Code::NoActiveSubscription);
    assert!(!decision.allowed);
    assert_eq!(figures(&decision), ["0", "0", "0", "0"]);
    assert_eq!(decision.resets_at, None);
    assert_eq!(decision.credits, None);
}

#[test]
fn something_grants_but_not_this_feature() {
    let world = World::with_calls("100");
    let decision = Book::default().check(&world, IMAGES, "2026-02-01", "1");
    assert_eq!(decision.code, Code::FeatureNotInPlan);
    assert_eq!(figures(&decision), ["0", "0", "0", "0"]);
    assert_eq!(decision.details["plan"], "plan100");
    assert_eq!(
        decision.message(),
        "plan \"plan100\" does not include \"images\""
    );
}

#[test]
fn an_allowance_is_drawn_down_and_then_denied() {
    let world = World::with_calls("100");
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, "2026-02-01", "70");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(figures(&decision), ["70", "100", "30", "0"]);
    assert_eq!(decision.resets_at, Some(time("2026-02-15")));
    assert_eq!(decision.reset_interval.as_deref(), Some("monthly"));
    assert_eq!(drawn_of(&decision), ["plan 70"]);

    // Whole or not at all; the numbers of a denial describe the unchanged state.
    let decision = book.track(&world, CALLS, "2026-02-01", "31");
    assert_eq!(decision.code, Code::LimitExceeded);
    assert_eq!(figures(&decision), ["70", "100", "30", "0"]);
    assert_eq!(drawn_of(&decision), Vec::<String>::new());
    assert_eq!(
        decision.message(),
        "limit of 100 \"calls\" reached: 70 used, 31 asked"
    );
    assert!(book.track(&world, CALLS, "2026-02-01", "30").allowed);
    assert!(
        !book
            .track(&world, CALLS, "2026-02-01", "0.000000001")
            .allowed
    );
}

#[test]
fn a_new_period_starts_at_zero() {
    let world = World::with_calls("100");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-14T23:59:59.999999Z", "100");
    let decision = book.check(&world, CALLS, "2026-02-15", "1");
    assert_eq!(figures(&decision), ["0", "100", "100", "0"]);
    assert_eq!(decision.resets_at, Some(time("2026-03-15")));
}

#[test]
fn zero_asks_whether_the_feature_is_granted() {
    let world = World::with_calls("1");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "1");
    assert_eq!(
        book.check(&world, CALLS, "2026-02-01", "0").code,
        Code::AccessGranted
    );
    let lines = book.lines.len();
    let decision = book.track(&world, CALLS, "2026-02-01", "0");
    assert_eq!(decision.code, Code::AccessGranted);
    assert_eq!(book.lines.len(), lines);
    assert_eq!(
        book.check(&world, IMAGES, "2026-02-01", "0").code,
        Code::FeatureNotInPlan
    );
}

#[test]
fn unlimited_counts_and_never_ends() {
    let mut world = World::with_calls("1");
    world.first_entry().limit = None;
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, "2026-02-01", "1000000");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(figures(&decision), ["1000000", "-", "-", "0"]);
}

#[test]
fn overage_is_allowed_when_charged_and_bounded_by_its_maximum() {
    let mut world = World::with_calls("10");
    let entry = world.first_entry();
    entry.overage_charged = true;
    entry.overage_limit = Some(quantity("5"));
    entry.pricing = json!({"overagePrice": 3});
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, "2026-02-01", "8");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(
        book.check(&world, CALLS, "2026-02-01", "7").code,
        Code::OverageAllowed
    );
    let decision = book.track(&world, CALLS, "2026-02-01", "7");
    assert_eq!(decision.code, Code::TrackedOverage);
    assert_eq!(figures(&decision), ["15", "10", "0", "5"]);
    assert_eq!(drawn_of(&decision), ["plan 2", "overage 5"]);
    assert_eq!(decision.details["overage_billable"], json!(5));
    assert_eq!(decision.details["pricing"], json!({"overagePrice": 3}));
    let decision = book.track(&world, CALLS, "2026-02-01", "0.000000001");
    assert_eq!(decision.code, Code::LimitExceeded);
    assert_eq!(figures(&decision), ["15", "10", "0", "5"]);
}

#[test]
fn a_trial_has_its_own_limit_and_no_overage() {
    let mut world = World::with_calls("100");
    let entry = world.first_entry();
    entry.trial_limit = Some(quantity("10"));
    entry.overage_charged = true;
    let subscription = world.subscription(200);
    subscription.status = Status::Trialing;
    subscription.trial_ends_at = Some(time("2026-01-29"));
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, "2026-01-20", "10");
    assert_eq!(figures(&decision), ["10", "10", "0", "0"]);
    assert_eq!(decision.details["trial"], json!(true));
    assert_eq!(decision.details["trial_ends_at"], "2026-01-29T00:00:00Z");
    assert_eq!(decision.details["status"], "trialing");
    assert_eq!(decision.details.get("overage_billable"), None);
    let decision = book.track(&world, CALLS, "2026-01-20", "1");
    assert_eq!(decision.code, Code::LimitExceeded);
    assert!(decision.message().ends_with("a trial allows no overage"));
}

#[test]
fn usage_based_has_no_limit_and_is_billable_outside_a_trial() {
    let mut world = World::with_calls("0");
    let entry = world.first_entry();
    entry.limit = None;
    entry.usage_based = true;
    entry.overage_charged = true;
    entry.pricing = json!({"pricePerUnit": 2});
    let mut book = Book::default();
    let decision = book.track(&world, CALLS, "2026-02-01", "7");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(figures(&decision), ["7", "-", "-", "0"]);
    let pricing = json!({"pricePerUnit": 2, "billable": true});
    assert_eq!(decision.details["pricing"], pricing);

    let subscription = world.subscription(200);
    subscription.status = Status::Trialing;
    subscription.trial_ends_at = Some(time("2026-03-01"));
    let decision = book.check(&world, CALLS, "2026-02-01", "7");
    assert_eq!(decision.code, Code::AccessGranted);
    assert_eq!(decision.details["pricing"]["billable"], json!(false));
}

#[test]
fn a_return_lowers_usage_and_stops_at_zero() {
    let world = World::with_calls("100");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "30");
    let decision = book.give_back(&world, CALLS, "2026-02-02", "10").unwrap();
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(figures(&decision), ["20", "100", "80", "0"]);
    assert_eq!(
        book.give_back(&world, CALLS, "2026-02-02", "20.000000001"),
        Err(BelowZero)
    );
    // What was used in the period before cannot be returned in this one.
    assert_eq!(
        book.give_back(&world, CALLS, "2026-02-20", "1"),
        Err(BelowZero)
    );
    let decision = book.give_back(&world, CALLS, "2026-02-02", "20").unwrap();
    assert_eq!(figures(&decision), ["0", "100", "100", "0"]);
}

#[test]
fn booleans_and_values_have_no_numbers() {
    let mut world = World::with_calls("1");
    world.entry(100, Subject::Feature(SSO));
    world.entry(100, Subject::Feature(REGION)).value = Some(json!("eu"));
    for feature in [SSO, REGION] {
        let decision = Book::default().check(&world, feature, "2026-02-01", "1000");
        assert_eq!(decision.code, Code::AccessGranted);
        assert_eq!(figures(&decision), ["0", "-", "-", "-"]);
        assert_eq!(decision.resets_at, None);
        assert_eq!(decision.reset_interval, None);
    }
    assert_eq!(world.resolve(REGION, "2026-02-01").value, Some(json!("eu")));
}

#[test]
fn entity_features_compare_the_count() {
    let mut world = World::with_calls("1");
    world.entry(100, Subject::Feature(SEATS)).limit = Some(quantity("3"));
    let entitlement = world.resolve(SEATS, "2026-02-01");
    let decision = entity(&entitlement, 2, Quantity::ONE);
    assert_eq!(decision.code, Code::AccessGranted);
    assert_eq!(figures(&decision), ["2", "3", "1", "0"]);
    let decision = entity(&entitlement, 3, Quantity::ONE);
    assert_eq!(decision.code, Code::LimitExceeded);
    let decision = entity(&entitlement, 5, Quantity::ZERO);
    assert_eq!(decision.code, Code::AccessGranted);
    assert_eq!(figures(&decision), ["5", "3", "0", "2"]);
    assert!(entitlement.sources[0].counted.is_empty());
}

#[test]
fn entity_features_may_charge_for_more() {
    let mut world = World::with_calls("1");
    let entry = world.entry(100, Subject::Feature(SEATS));
    entry.limit = Some(quantity("3"));
    entry.overage_charged = true;
    entry.overage_limit = Some(quantity("1"));
    let entitlement = world.resolve(SEATS, "2026-02-01");
    assert_eq!(
        entity(&entitlement, 3, Quantity::ONE).code,
        Code::OverageAllowed
    );
    assert_eq!(
        entity(&entitlement, 4, Quantity::ONE).code,
        Code::LimitExceeded
    );
}

#[test]
fn the_soonest_reset_is_shown() {
    let mut world = World::with_calls("10");
    world.addon(101);
    let entry = world.entry(101, Subject::Feature(CALLS));
    entry.limit = Some(quantity("5"));
    entry.reset = Reset::Every(Interval::Daily);
    world.subscribe(201, 101, "2026-01-20T06:00:00Z");
    let decision = Book::default().check(&world, CALLS, "2026-02-01", "1");
    assert_eq!(decision.resets_at, Some(time("2026-02-01T06:00:00Z")));
    assert_eq!(decision.reset_interval.as_deref(), Some("daily"));
    assert_eq!(decision.usage_limit, Some(quantity("15")));
}

#[test]
fn billing_period_is_the_interval_of_the_subscription() {
    let mut world = World::with_calls("10");
    world.first_entry().reset = Reset::BillingPeriod;
    world.subscription(200).cadence = Cadence::new(Interval::Monthly, 2);
    let decision = Book::default().check(&world, CALLS, "2026-02-20", "1");
    assert_eq!(decision.resets_at, Some(time("2026-03-15")));
    assert_eq!(decision.reset_interval.as_deref(), Some("monthly*2"));
    world.subscription(200).one_time = true;
    let decision = Book::default().check(&world, CALLS, "2026-02-20", "1");
    assert_eq!(decision.resets_at, None);
    assert_eq!(decision.reset_interval.as_deref(), Some("never"));
}

#[test]
fn a_fresh_count_is_another_meter() {
    let mut world = World::with_calls("10");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "10");
    let start = FeatureStart {
        anchor_at: time("2026-01-15"),
        count_number: 2,
    };
    world.subscription(200).feature_starts.insert(CALLS, start);
    let decision = book.check(&world, CALLS, "2026-02-01", "10");
    assert_eq!(decision.code, Code::AccessGranted);
}

#[test]
fn nobody_has_no_numbers() {
    let decision = Decision::not_found(Code::CustomerNotFound, "calls");
    assert_eq!(figures(&decision), ["0", "0", "0", "0"]);
    assert_eq!(
        decision.message(),
        "customer not found, asked for \"calls\""
    );
    assert_eq!(
        Decision::not_found(Code::EntityNotFound, "calls")
            .code
            .as_str(),
        "entity_not_found"
    );
}
