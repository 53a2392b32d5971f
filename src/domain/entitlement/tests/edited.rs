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
fn credits_follow_the_same_rules() {
    let mut world = World::with_credits("10");
    world.first_entry().history = vec![past("2026-02-01", Interval::Daily)];
    let subject = world.resolve(IMAGES, "2026-01-31").sources[0].subject;
    assert_eq!(subject, Subject::CreditSystem(CREDITS));
    let source = world.resolve(IMAGES, "2026-01-31").sources.remove(0);
    assert_eq!(source.meter.cadence.to_string(), "daily");
}

/// Ten calls a month that roll over, ten a week from 15 April on.
fn quickened() -> World {
    let mut world = World::with_calls("10");
    let mut past = past("2026-03-20", Interval::Monthly);
    past.rollover = true;
    let entry = world.first_entry();
    entry.rollover = true;
    entry.reset = Reset::Every(Interval::Weekly);
    entry.history = vec![past];
    world
}

fn limit(book: &Book, world: &World, at: &str) -> String {
    let decision = book.check(world, CALLS, at, "0");
    decision.usage_limit.unwrap().to_string()
}

#[test]
fn what_rolled_over_goes_on_in_another_rhythm() {
    let world = quickened();
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "4");
    assert_eq!(limit(&book, &world, "2026-04-14"), "26");
    let decision = book.track(&world, CALLS, "2026-04-14", "7");
    assert_eq!(drawn_of(&decision), ["rollover 7"]);
    // The month has rolled over whole; a week had begun the day before its end.
    assert_eq!(limit(&book, &world, "2026-04-15"), "29");
    assert_eq!(limit(&book, &world, "2026-04-16"), "39");
    let decision = book.track(&world, CALLS, "2026-04-16", "35");
    assert_eq!(drawn_of(&decision), ["rollover 29", "plan 6"]);
    assert_eq!(limit(&book, &world, "2026-04-23"), "14");
}

#[test]
fn a_late_event_leaves_what_was_spent_in_another_rhythm() {
    let world = quickened();
    let mut book = Book::default();
    // Of thirty that rolled over five are left.
    book.track(&world, CALLS, "2026-04-15", "25");
    for at in ["2026-02-01", "2026-03-18", "2026-04-14"] {
        assert!(!book.check(&world, CALLS, at, "6").allowed, "{at}");
        assert!(book.check(&world, CALLS, at, "5").allowed, "{at}");
    }
}

#[test]
fn a_rhythm_that_comes_back_goes_on_with_what_was_left_of_the_other() {
    let mut world = quickened();
    let mut weeks = past("2026-04-25", Interval::Weekly);
    weeks.rollover = true;
    world.first_entry().reset = Reset::Every(Interval::Monthly);
    world.first_entry().history.push(weeks);
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-04-20", "3");
    // Three months, the end of a week, and two weeks; the month that began within one is the second
    // that is given then.
    assert_eq!(limit(&book, &world, "2026-04-29"), "57");
    assert_eq!(limit(&book, &world, "2026-04-30"), "67");
    book.track(&world, CALLS, "2026-05-01", "58");
    assert_eq!(limit(&book, &world, "2026-05-02"), "67");
    assert_eq!(limit(&book, &world, "2026-05-15"), "19");
}

#[test]
fn what_a_plan_before_left_goes_through_an_edited_rhythm() {
    let mut world = quickened();
    // A plan of the same words before it, which ended with the second month.
    world.subscription(200).status = Status::Canceled;
    world.subscription(200).ended_at = Some(time("2026-03-15"));
    world.plan(101);
    let first = world.first_entry().clone();
    let entry = world.entry(101, Subject::Feature(CALLS));
    entry.rollover = true;
    entry.limit = first.limit;
    entry.reset = first.reset;
    entry.history = first.history;
    world.subscribe(201, 101, "2026-03-15").anchor_at = time("2026-01-15");
    assert_eq!(limit(&Book::default(), &world, "2026-04-14"), "30");
    assert_eq!(limit(&Book::default(), &world, "2026-04-15"), "40");
    // And to a plan after it.
    world.subscription(201).status = Status::Canceled;
    world.subscription(201).ended_at = Some(time("2026-04-20"));
    world.plan(102);
    let entry = world.entry(102, Subject::Feature(CALLS));
    entry.rollover = true;
    entry.limit = Some(quantity("1"));
    world.subscribe(202, 102, "2026-04-20");
    assert_eq!(limit(&Book::default(), &world, "2026-04-21"), "41");
}
