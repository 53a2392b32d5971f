//! Credit-backed features: units, pools, grants, costs.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use crate::decision::{Code, give_back_at_most, track};
use crate::draw::{Drawn, Own, WithHeld};
use crate::entitlement::Subject;
use crate::entitlement::fixture::*;
use crate::quantity::Quantity;

#[test]
fn credits_answer_in_units_of_the_feature() {
    let world = World::with_credits("100");
    let mut book = Book::default();
    let decision = book.track(&world, IMAGES, "2026-02-01", "3");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(figures(&decision), ["3", "20", "17", "0"]);
    assert_eq!(drawn_of(&decision), ["plan 15"]);
    assert_eq!(
        decision.credits.unwrap(),
        json!({
            "source": "credit_system",
            "system": "credits",
            "cost_per_unit": 5,
            "plan": {"used": 15, "limit": 100, "balance": 85, "resets_at": "2026-02-15T00:00:00Z"},
            "addon_balance": 0,
            "total_balance": 85,
        })
    );
    // The pool is one: calls at two credits see what images took.
    let decision = book.check(&world, CALLS, "2026-02-01", "42.5");
    assert_eq!(decision.code, Code::AccessGranted);
    assert_eq!(figures(&decision), ["7.5", "50", "42.5", "0"]);
    let decision = book.track(&world, CALLS, "2026-02-01", "42.500000001");
    assert_eq!(decision.code, Code::InsufficientCredits);
}

#[test]
fn granted_credits_follow_the_plan_and_span_with_it() {
    let mut world = World::with_credits("10");
    world.grant(300, "20");
    let mut book = Book::default();
    let decision = book.check(&world, IMAGES, "2026-02-01", "6");
    assert_eq!(decision.code, Code::AddonCreditsUsed);
    assert_eq!(figures(&decision), ["0", "2", "6", "0"]);
    let decision = book.track(&world, IMAGES, "2026-02-01", "3");
    assert_eq!(decision.code, Code::AddonCreditsUsed);
    assert_eq!(drawn_of(&decision), ["plan 10", "grant 5"]);
    assert_eq!(figures(&decision), ["2", "2", "3", "0"]);
    let credits = decision.credits.unwrap();
    assert_eq!(credits["addon_balance"], json!(15));
    assert_eq!(credits["total_balance"], json!(15));
    // Granted credits do not start over.
    let decision = book.check(&world, IMAGES, "2026-03-01", "6");
    assert_eq!(figures(&decision), ["0", "2", "5", "0"]);
    assert_eq!(decision.code, Code::InsufficientCredits);
}

#[test]
fn grants_work_without_a_subscription() {
    let mut world = World::new();
    world.system();
    world.grant(300, "20");
    let mut book = Book::default();
    let decision = book.track(&world, IMAGES, "2026-02-01", "4");
    assert_eq!(decision.code, Code::AddonCreditsUsed);
    assert_eq!(figures(&decision), ["0", "0", "0", "0"]);
    assert_eq!(decision.resets_at, None);
    assert_eq!(
        book.track(&world, IMAGES, "2026-02-01", "1").code,
        Code::InsufficientCredits
    );
    assert_eq!(
        book.check(&world, SSO, "2026-02-01", "1").code,
        Code::FeatureNotInPlan
    );
}

#[test]
fn overage_on_a_credit_system_is_drawn_after_grants() {
    let mut world = World::with_credits("10");
    world.first_entry().overage_charged = true;
    world.first_entry().overage_limit = Some(quantity("25"));
    world.grant(300, "5");
    let mut book = Book::default();
    let decision = book.track(&world, IMAGES, "2026-02-01", "8");
    assert_eq!(decision.code, Code::TrackedOverage);
    assert_eq!(drawn_of(&decision), ["plan 10", "grant 5", "overage 25"]);
    assert_eq!(figures(&decision), ["7", "2", "0", "5"]);
    assert_eq!(
        book.track(&world, CALLS, "2026-02-01", "0.1").code,
        Code::LimitExceeded
    );
}

#[test]
fn an_own_allowance_is_spent_before_credits() {
    let mut world = World::with_credits("10");
    world.entry(100, Subject::Feature(IMAGES)).limit = Some(quantity("3"));
    let mut book = Book::default();
    let decision = book.track(&world, IMAGES, "2026-02-01", "4");
    assert_eq!(drawn_of(&decision), ["plan 3", "plan 5"]);
    assert_eq!(figures(&decision), ["4", "5", "1", "0"]);
    assert_eq!(
        book.check(&world, IMAGES, "2026-02-01", "2").code,
        Code::InsufficientCredits
    );
}

#[test]
fn a_plan_may_change_the_cost_and_a_cost_alone_is_no_allowance() {
    let mut world = World::with_credits("10");
    world.entry(100, Subject::Feature(IMAGES)).credit_cost = Some(quantity("0.3"));
    let decision = Book::default().track(&world, IMAGES, "2026-02-01", "1.1");
    assert_eq!(drawn_of(&decision), ["plan 0.33"]);
    assert_eq!(decision.usage_limit, Some(quantity("33.333333333")));
    assert_eq!(decision.credits.unwrap()["cost_per_unit"], json!(0.3));
}

#[test]
fn the_price_in_credits_rounds_up() {
    let mut world = World::with_credits("10");
    world
        .facts
        .credit_systems
        .get_mut(&CREDITS)
        .unwrap()
        .costs
        .insert(IMAGES, quantity("0.000000001"));
    let decision = Book::default().track(&world, IMAGES, "2026-02-01", "0.1");
    assert_eq!(drawn_of(&decision), ["plan 0.000000001"]);
}

#[test]
fn cost_zero_is_without_bound_and_recorded() {
    let mut world = World::with_credits("10");
    world.entry(100, Subject::Feature(IMAGES)).credit_cost = Some(Quantity::ZERO);
    let mut book = Book::default();
    let entitlement = book.entitlement(&world, IMAGES, None, time("2026-02-01"));
    let (decision, drawn) = track(&entitlement, &book, quantity("500"));
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(decision.balance, None);
    assert_eq!(decision.usage_limit, None);
    assert_eq!(drawn.lines.len(), 1);
    assert_eq!(drawn.lines[0].amount, Quantity::ZERO);
    assert_eq!(drawn.lines[0].units, quantity("500"));
    book.record(&drawn);
    assert_eq!(
        book.check(&world, CALLS, "2026-02-01", "5").balance,
        Some(quantity("5"))
    );
}

#[test]
fn a_return_undoes_overage_first_and_then_backwards() {
    let mut world = World::with_credits("10");
    world.first_entry().overage_charged = true;
    world.grant(300, "10");
    let mut book = Book::default();
    book.track(&world, IMAGES, "2026-02-01", "6");
    let decision = book.give_back(&world, IMAGES, "2026-02-01", "3").unwrap();
    // Two units of overage, then one of the grant.
    assert_eq!(drawn_of(&decision), ["grant -5", "overage -10"]);
    assert_eq!(figures(&decision), ["2", "2", "1", "0"]);
}

#[test]
fn a_feature_gives_back_what_it_drew_of_a_pool_itself() {
    let world = World::with_credits("100");
    let mut book = Book::default();
    book.track(&world, IMAGES, "2026-02-01", "3");
    book.track(&world, CALLS, "2026-02-01", "4");
    let entitlement = book.entitlement(&world, CALLS, None, time("2026-02-01"));
    let place = entitlement.sources[0].counted[0];
    let held = BTreeMap::new();
    let give_back = |amount: &str, units: &str, value: &str| {
        let own = Own {
            amount: quantity(amount),
            units: quantity(units),
            carried: false,
        };
        let own = HashMap::from([(place, own)]);
        let used = WithHeld {
            used: &book,
            held: &held,
            own: Some(&own),
            most: &HashMap::new(),
        };
        give_back_at_most(&entitlement, &used, quantity(value))
    };
    let given = |(_, drawn): (_, Drawn)| {
        let lines = drawn.lines.iter();
        let lines = lines.map(|line| (line.amount.to_string(), line.units.to_string()));
        lines.collect::<Vec<_>>()
    };
    // Of twenty-three credits calls drew eight, at two each.
    assert_eq!(
        given(give_back("8", "4", "9")),
        [("-8".into(), "-4".into())]
    );
    assert_eq!(
        given(give_back("8", "4", "3")),
        [("-6".into(), "-3".into())]
    );
    assert_eq!(given(give_back("0", "0", "1")), []);
    // Nothing that was recorded allows more than the pool holds.
    assert_eq!(
        given(give_back("90", "45", "40")),
        [("-23".into(), "-11.5".into())]
    );
}

#[test]
fn what_costs_nothing_is_given_back_as_far_as_it_was_used() {
    let mut world = World::with_credits("100");
    world.system().costs.insert(CALLS, Quantity::ZERO);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "4");
    let entitlement = book.entitlement(&world, CALLS, None, time("2026-02-01"));
    let own = Own {
        amount: Quantity::ZERO,
        units: quantity("4"),
        carried: false,
    };
    let own = HashMap::from([(entitlement.sources[0].counted[0], own)]);
    let held = BTreeMap::new();
    let used = WithHeld {
        used: &book,
        held: &held,
        own: Some(&own),
        most: &HashMap::new(),
    };
    let (_, drawn) = give_back_at_most(&entitlement, &used, quantity("9"));
    assert_eq!(drawn.lines[0].units, quantity("-4"));
    assert!(crate::decision::give_back(&entitlement, &used, quantity("4.1")).is_err());
}
