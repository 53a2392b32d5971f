//! Edits of the catalog: limits at once, intervals and anchors from the next boundary.

use crate::entitlement::facts::{PlanFeaturePast, ResetAnchor, Status, Subject};
use crate::entitlement::fixture::*;
use crate::interval::{Interval, Reset};

fn past(until: &str, interval: Interval) -> PlanFeaturePast {
    PlanFeaturePast {
        valid_until: time(until),
        limit: Some(quantity("10")),
        reset: Reset::Every(interval),
        reset_anchor: ResetAnchor::Billing,
        rollover: false,
        rollover_limit: None,
    }
}

/// The interval in force at a moment, with the end of its period.
fn running(world: &World, at: &str) -> (String, Option<String>) {
    let source = world.resolve(CALLS, at).sources.remove(0);
    let end = source.period.end.map(|end| end.date_naive().to_string());
    (source.meter.cadence.to_string(), end)
}

fn expect(world: &World, at: &str, interval: &str, end: Option<&str>) {
    let wanted = (interval.to_owned(), end.map(str::to_owned));
    assert_eq!(running(world, at), wanted, "at {at}");
}

#[test]
fn a_limit_changes_at_once() {
    let mut world = World::with_calls("10");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "10");
    world.first_entry().history = vec![past("2026-02-02", Interval::Monthly)];
    world.first_entry().limit = Some(quantity("12"));
    let decision = book.check(&world, CALLS, "2026-02-03", "2");
    assert_eq!(figures(&decision), ["10", "12", "2", "0"]);
}

#[test]
fn an_interval_changes_at_the_end_of_the_period_it_was_edited_in() {
    let mut world = World::with_calls("10");
    world.first_entry().reset = Reset::Every(Interval::Daily);
    world.first_entry().history = vec![past("2026-02-01", Interval::Monthly)];
    expect(&world, "2026-02-14", "monthly", Some("2026-02-15"));
    expect(&world, "2026-02-15", "daily", Some("2026-02-16"));
    // Who subscribes after the edit has the new interval at once.
    world.subscription(200).started_at = time("2026-02-01");
    world.subscription(200).anchor_at = time("2026-02-01");
    expect(&world, "2026-02-02", "daily", Some("2026-02-03"));
}

#[test]
fn an_endless_period_ends_at_the_next_boundary_of_the_new_interval() {
    let mut world = World::with_calls("10");
    world.first_entry().history = vec![past("2026-03-20", Interval::Never)];
    expect(&world, "2026-04-14", "never", Some("2026-04-15"));
    expect(&world, "2026-04-15", "monthly", Some("2026-05-15"));
    // An edit of the limit alone is no boundary.
    let mut limits = World::with_calls("10");
    limits.first_entry().history = vec![
        past("2026-02-01", Interval::Never),
        past("2026-03-20", Interval::Never),
    ];
    expect(&limits, "2026-04-14", "never", Some("2026-04-15"));
    expect(&limits, "2026-04-15", "monthly", Some("2026-05-15"));
}

#[test]
fn an_interval_that_came_and_went_within_a_period_was_never_in_force() {
    let mut world = World::with_calls("10");
    world.first_entry().reset = Reset::Every(Interval::Weekly);
    world.first_entry().history = vec![
        past("2026-02-01", Interval::Monthly),
        past("2026-02-05", Interval::Yearly),
    ];
    expect(&world, "2026-02-14", "monthly", Some("2026-02-15"));
    expect(&world, "2026-02-15", "weekly", Some("2026-02-19"));
}

#[test]
fn edits_follow_one_another() {
    let mut world = World::with_calls("10");
    world.first_entry().history = vec![
        past("2026-03-01", Interval::Daily),
        past("2026-02-01", Interval::Monthly),
    ];
    world.first_entry().reset = Reset::Every(Interval::Quarterly);
    expect(&world, "2026-02-10", "monthly", Some("2026-02-15"));
    expect(&world, "2026-02-20", "daily", Some("2026-02-21"));
    expect(&world, "2026-03-01T12:00:00Z", "daily", Some("2026-03-02"));
    expect(&world, "2026-03-02", "quarterly", Some("2026-04-15"));
}

#[test]
fn an_anchor_changes_at_a_boundary_too() {
    let mut world = World::with_calls("10");
    world.first_entry().reset_anchor = ResetAnchor::Calendar;
    world.first_entry().history = vec![past("2026-02-01", Interval::Monthly)];
    expect(&world, "2026-02-14", "monthly", Some("2026-02-15"));
    expect(&world, "2026-02-15", "monthly", Some("2026-03-01"));
    let before = world.resolve(CALLS, "2026-02-14").sources.remove(0);
    let after = world.resolve(CALLS, "2026-02-15").sources.remove(0);
    assert_ne!(before.meter.id(), after.meter.id());
}

#[test]
fn a_count_that_began_after_the_edit_starts_with_what_is_in_the_catalog() {
    let mut world = World::with_calls("10");
    world.first_entry().history = vec![past("2026-01-20", Interval::Yearly)];
    expect(&world, "2026-02-01", "yearly", Some("2027-01-15"));
    let converted = world.subscription(200);
    converted.status = Status::Active;
    converted.trial_ends_at = Some(time("2026-02-01"));
    converted.anchor_at = time("2026-02-01");
    expect(&world, "2026-02-01", "monthly", Some("2026-03-01"));
}

#[test]
fn rollover_ends_where_the_interval_changes() {
    let mut world = World::with_calls("10");
    let entry = world.first_entry();
    entry.rollover = true;
    entry.reset = Reset::Every(Interval::Weekly);
    let mut old = past("2026-03-01", Interval::Monthly);
    old.rollover = true;
    entry.history = vec![old];
    let limit = |at: &str| {
        let decision = Book::default().check(&world, CALLS, at, "1");
        decision.usage_limit.unwrap().to_string()
    };
    assert_eq!(limit("2026-03-14"), "20");
    // Weekly from 15 March: the first week rolls over, the months before do not.
    assert_eq!(limit("2026-03-15"), "10");
    assert_eq!(limit("2026-03-19"), "20");
    assert_eq!(limit("2026-03-26"), "30");
}

#[test]
fn credits_follow_the_same_rules() {
    let mut world = World::with_credits("10");
    world.first_entry().history = vec![past("2026-02-01", Interval::Daily)];
    let subject = world.resolve(IMAGES, "2026-01-31").sources[0].subject;
    assert_eq!(subject, Subject::CreditSystem(CREDITS));
    let source = world.resolve(IMAGES, "2026-01-31").sources.remove(0);
    assert_eq!(source.meter.cadence.to_string(), "daily");
}
