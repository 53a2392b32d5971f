//! Credit-backed features: units, pools, grants, costs.

use serde_json::json;

use crate::decision::{Code, track};
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
