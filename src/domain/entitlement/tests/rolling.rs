//! Rollover from facts to answers: what is offered, in which order, and late events.

use crate::decision::Code;
use crate::entitlement::facts::{PlanFeaturePast, ResetAnchor, Scope, Status, Subject};
use crate::entitlement::fixture::*;
use crate::entitlement::{Reason, SourceKind};
use crate::interval::{Interval, Reset, Span};
use crate::quantity::Quantity;

fn rolling(limit: &str, cap: Option<&str>) -> World {
    let mut world = World::with_calls(limit);
    world.first_entry().rollover = true;
    world.first_entry().rollover_limit = cap.map(quantity);
    world
}

fn limit(book: &Book, world: &World, at: &str) -> String {
    let decision = book.check(world, CALLS, at, "0");
    decision.usage_limit.unwrap().to_string()
}

#[test]
fn the_rest_is_offered_first_in_the_next_period() {
    let world = rolling("100", None);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "70");
    let decision = book.track(&world, CALLS, "2026-02-15", "50");
    assert_eq!(figures(&decision), ["50", "130", "80", "0"]);
    assert_eq!(drawn_of(&decision), ["rollover 30", "plan 20"]);
    // Of this period eighty are left.
    assert_eq!(limit(&book, &world, "2026-03-20"), "180");
}

#[test]
fn asked_often_or_rarely_gives_the_same() {
    let world = rolling("10", Some("25"));
    let book = Book::default();
    for at in ["2026-02-20", "2026-03-20", "2026-04-20", "2029-11-20"] {
        book.check(&world, CALLS, at, "1");
    }
    assert_eq!(limit(&book, &world, "2026-02-20"), "20");
    assert_eq!(limit(&book, &world, "2026-03-20"), "30");
    assert_eq!(limit(&book, &world, "2026-04-20"), "35");
    assert_eq!(limit(&book, &world, "2045-04-20"), "35");
}

#[test]
fn soonest_expiry_is_drawn_first() {
    let mut world = rolling("10", None);
    world.first_entry().rollover_expires_after = Span::new(2, 0, 0);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "4");
    book.track(&world, CALLS, "2026-02-20", "3");
    // Three are left of the first period, and ten of the second.
    assert_eq!(limit(&book, &world, "2026-03-20"), "23");
    let decision = book.track(&world, CALLS, "2026-03-20", "11");
    assert_eq!(drawn_of(&decision), ["rollover 3", "rollover 8"]);
}

#[test]
fn a_rest_that_expires_within_the_period_counts_only_what_was_drawn() {
    let mut world = rolling("100", None);
    world.first_entry().rollover_expires_after = Span::new(0, 10, 0);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "60");
    let decision = book.track(&world, CALLS, "2026-02-16", "10");
    assert_eq!(figures(&decision), ["10", "140", "130", "0"]);
    let entitlement = book.entitlement(&world, CALLS, None, time("2026-02-16"));
    assert_eq!(entitlement.valid_until, Some(time("2026-02-25")));
    // Thirty lapsed, what was used stays used and balance is a full allowance.
    let decision = book.check(&world, CALLS, "2026-02-25", "100");
    assert_eq!(figures(&decision), ["10", "110", "100", "0"]);
    assert!(decision.allowed);
    assert!(!book.check(&world, CALLS, "2026-02-25", "101").allowed);
    // Undrawn, it is listed as expired.
    let fresh = Book::default().entitlement(&world, CALLS, None, time("2026-02-25"));
    let expired = fresh
        .ignored
        .iter()
        .find(|one| one.reason == Reason::Expired);
    assert_eq!(expired.unwrap().limit, Some(quantity("100")));
    assert_eq!(expired.unwrap().kind, SourceKind::Rollover);
}

#[test]
fn trials_and_unlimited_periods_leave_nothing() {
    let mut world = rolling("10", None);
    let trial = world.subscription(200);
    trial.status = Status::Trialing;
    trial.trial_ends_at = Some(time("2026-04-15"));
    assert_eq!(limit(&Book::default(), &world, "2026-03-20"), "10");
    // Converted: anchored at the end of the trial, with a fresh count.
    let converted = world.subscription(200);
    converted.status = Status::Active;
    converted.anchor_at = time("2026-04-15");
    converted.count_number = 2;
    assert_eq!(limit(&Book::default(), &world, "2026-05-01"), "10");
    assert_eq!(limit(&Book::default(), &world, "2026-05-20"), "20");

    let mut world = rolling("10", None);
    world.first_entry().history = vec![PlanFeaturePast {
        valid_until: time("2026-03-01"),
        limit: None,
        reset: Reset::Every(Interval::Monthly),
        reset_anchor: ResetAnchor::Billing,
        rollover: true,
        rollover_limit: None,
    }];
    assert_eq!(limit(&Book::default(), &world, "2026-03-10"), "10");
    assert_eq!(limit(&Book::default(), &world, "2026-03-20"), "20");
}

#[test]
fn a_feature_new_in_the_plan_has_no_past() {
    let mut world = rolling("10", None);
    world.first_entry().created_at = time("2026-04-01");
    assert_eq!(limit(&Book::default(), &world, "2026-04-10"), "10");
    assert_eq!(limit(&Book::default(), &world, "2026-04-20"), "20");
}

#[test]
fn a_switch_with_the_same_anchor_keeps_what_rolled_over() {
    let mut world = rolling("10", None);
    let old = world.subscription(200);
    old.status = Status::Canceled;
    old.ended_at = Some(time("2026-03-20"));
    world.plan(101);
    let entry = world.entry(101, Subject::Feature(CALLS));
    entry.limit = Some(quantity("50"));
    entry.rollover = true;
    world.subscribe(201, 101, "2026-03-20").anchor_at = time("2026-01-15");
    // Two periods of ten; the running one is the new plan's.
    assert_eq!(limit(&Book::default(), &world, "2026-04-01"), "70");
    assert_eq!(limit(&Book::default(), &world, "2026-04-20"), "120");
    // A plan in between that keeps nothing ends it.
    world.facts.plan_features[0].rollover = false;
    assert_eq!(limit(&Book::default(), &world, "2026-04-01"), "50");
}

#[test]
fn an_override_replaces_rollover_and_counts_what_was_drawn_from_it() {
    let mut world = rolling("100", None);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "90");
    book.track(&world, CALLS, "2026-02-20", "80");
    world.overrule(400, CALLS).usage_limit = Some(quantity("150"));
    let decision = book.check(&world, CALLS, "2026-02-20", "70");
    assert_eq!(figures(&decision), ["80", "150", "70", "0"]);
}

#[test]
fn entities_roll_over_apart_and_from_when_they_were_added() {
    let mut world = rolling("10", None);
    world.first_entry().scope = Scope::Entity;
    world.facts.entity_added = [
        ("old".to_owned(), time("2026-01-15")),
        ("new".to_owned(), time("2026-03-01")),
    ]
    .into();
    let book = Book::default();
    let limit = |entity| {
        let entitlement = book.entitlement(&world, CALLS, Some(entity), time("2026-03-20"));
        let decision = crate::decision::check(&entitlement, &book, Quantity::ZERO);
        decision.usage_limit.unwrap().to_string()
    };
    assert_eq!(limit("old"), "30");
    assert_eq!(limit("new"), "20");
}

#[test]
fn a_late_event_takes_the_same_from_what_rolled_over() {
    let world = rolling("100", None);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "70");
    assert_eq!(limit(&book, &world, "2026-02-20"), "130");
    let decision = book.track(&world, CALLS, "2026-02-02", "10");
    assert_eq!(decision.code, Code::Tracked);
    assert_eq!(limit(&book, &world, "2026-02-20"), "120");
}

#[test]
fn a_late_event_is_denied_what_the_rollover_has_given_away() {
    let world = rolling("100", None);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "70");
    book.track(&world, CALLS, "2026-02-20", "25");
    let decision = book.check(&world, CALLS, "2026-02-02", "6");
    assert_eq!(decision.code, Code::LimitExceeded);
    assert_eq!(figures(&decision), ["70", "100", "5", "0"]);
    assert_eq!(
        book.track(&world, CALLS, "2026-02-02", "5").code,
        Code::Tracked
    );
    assert!(
        !book
            .track(&world, CALLS, "2026-02-02", "0.000000001")
            .allowed
    );
    assert_eq!(limit(&book, &world, "2026-02-20"), "125");
}

#[test]
fn late_overage_does_not_take_what_rolled_over() {
    let mut world = rolling("100", None);
    world.first_entry().overage_charged = true;
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "70");
    book.track(&world, CALLS, "2026-02-20", "30");
    assert_eq!(
        book.check(&world, CALLS, "2026-02-02", "1").code,
        Code::LimitExceeded
    );
    // Where nothing was left, nothing rolled over, and overage is overage.
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "100");
    book.track(&world, CALLS, "2026-02-20", "30");
    let decision = book.check(&world, CALLS, "2026-02-02", "1");
    assert_eq!(decision.code, Code::OverageAllowed);
}

#[test]
fn a_late_event_in_the_first_period_is_bounded_too() {
    let world = rolling("10", None);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-20", "10");
    let decision = book.check(&world, CALLS, "2026-01-20", "1");
    assert_eq!(figures(&decision), ["0", "10", "0", "0"]);
}

#[test]
fn a_late_return_grows_the_rollover() {
    let world = rolling("100", None);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "70");
    book.track(&world, CALLS, "2026-02-20", "30");
    book.give_back(&world, CALLS, "2026-02-02", "20").unwrap();
    assert_eq!(limit(&book, &world, "2026-02-21"), "150");
}

#[test]
fn credits_roll_over() {
    let mut world = World::with_credits("100");
    world.first_entry().rollover = true;
    let mut book = Book::default();
    book.track(&world, IMAGES, "2026-02-01", "4");
    let decision = book.track(&world, IMAGES, "2026-02-20", "20");
    assert_eq!(drawn_of(&decision), ["rollover 80", "plan 20"]);
    assert_eq!(figures(&decision), ["20", "36", "16", "0"]);
    let credits = decision.credits.unwrap();
    assert_eq!(credits["plan"]["limit"], serde_json::json!(180));
    assert_eq!(credits["plan"]["balance"], serde_json::json!(80));
}
