//! Explanations: rows in draw order, and why others were left out.

use crate::decision::{Explained, explain, explain_entities};
use crate::entitlement::facts::{Status, Subject};
use crate::entitlement::fixture::*;
use crate::quantity::Quantity;

const AT: &str = "2026-02-20";

fn rows(book: &Book, world: &World) -> Vec<Explained> {
    explain(&book.entitlement(world, CALLS, None, time(AT)), book)
}

fn brief(row: &Explained) -> (i32, &'static str, String, bool, &str) {
    let remaining = row
        .remaining
        .map_or("-".to_owned(), |left| left.to_string());
    (row.ordinal, row.source, remaining, row.applied, &row.reason)
}

#[test]
fn rows_come_in_draw_order_and_add_up_to_the_balance() {
    let mut world = World::with_calls("10");
    world.system();
    world.first_entry().rollover = true;
    world.first_entry().overage_charged = true;
    world.grant(300, "7");
    world.grant(301, "9").expires_at = Some(time("2026-02-19"));
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "4");
    book.track(&world, CALLS, AT, "8");
    let rows = rows(&book, &world);
    let briefs: Vec<_> = rows.iter().map(brief).collect();
    assert_eq!(
        briefs,
        [
            (1, "rollover", "0".into(), true, "used up"),
            (2, "plan", "8".into(), true, "drawn in this order"),
            (
                3,
                "grant",
                "3.5".into(),
                true,
                "drawn in this order; credits of \"credits\", 2 per unit"
            ),
            (
                4,
                "overage",
                "-".into(),
                true,
                "charged once everything else is used up"
            ),
            (5, "grant", "-".into(), false, "expired"),
        ]
    );
    assert_eq!(rows[0].granted, Some(quantity("6")));
    assert_eq!(rows[0].used, Some(quantity("6")));
    assert_eq!(rows[0].source_id, Some(id(200)));
    assert_eq!(rows[1].period_end, Some(time("2026-03-15")));
    assert_eq!(rows[1].changes_at, Some(time("2026-03-15")));
    let balance = book.check(&world, CALLS, AT, "1").balance.unwrap();
    let sum = Quantity::checked_sum(rows[..3].iter().map(|row| row.remaining.unwrap()));
    assert_eq!(sum, Some(balance));
}

#[test]
fn a_subscription_that_does_not_grant_says_why() {
    for (status, reason) in [
        (Status::Paused, "the subscription is paused"),
        (
            Status::PastDue,
            "the subscription is past due beyond the grace days",
        ),
        (
            Status::Incomplete,
            "the subscription waits for its checkout",
        ),
        (Status::Expired, "the subscription has ended"),
    ] {
        let mut world = World::with_calls("10");
        let subscription = world.subscription(200);
        subscription.status = status;
        subscription.past_due_since = Some(time("2026-01-16"));
        subscription.ended_at = (status == Status::Expired).then(|| time("2026-02-01"));
        let rows = rows(&Book::default(), &world);
        assert_eq!(brief(&rows[0]), (1, "plan", "-".into(), false, reason));
        assert_eq!(rows[0].granted, Some(quantity("10")));
    }
}

#[test]
fn an_unlimited_source_leaves_the_others_undrawn() {
    let mut world = World::with_calls("10");
    world.addon(101);
    world.entry(101, Subject::Feature(CALLS));
    world.subscribe(201, 101, "2026-01-20");
    let rows = rows(&Book::default(), &world);
    assert_eq!(brief(&rows[0]), (1, "addon", "-".into(), true, "unlimited"));
    let kept = "not drawn: an unlimited source comes first";
    assert_eq!(brief(&rows[1]), (2, "plan", "10".into(), false, kept));
}

#[test]
fn an_override_shows_what_it_replaces() {
    let mut world = World::with_calls("10");
    world.feature(CALLS).default_value = Some(serde_json::json!(3));
    world.overrule(400, CALLS).usage_limit = Some(quantity("20"));
    let rows = rows(&Book::default(), &world);
    assert_eq!(
        brief(&rows[0]),
        (1, "override", "20".into(), true, "drawn in this order")
    );
    assert_eq!(
        brief(&rows[1]),
        (2, "plan", "-".into(), false, "replaced by an override")
    );
    assert_eq!(rows[2].source, "default");
    assert!(!rows[2].applied);
}

#[test]
fn overage_blocked_by_a_trial_is_shown() {
    let mut world = World::with_calls("10");
    world.first_entry().overage_charged = true;
    let subscription = world.subscription(200);
    subscription.status = Status::Trialing;
    subscription.trial_ends_at = Some(time("2026-03-01"));
    let rows = rows(&Book::default(), &world);
    assert_eq!(
        brief(&rows[1]),
        (2, "overage", "-".into(), false, "a trial allows no overage")
    );
    assert_eq!(rows[1].changes_at, Some(time("2026-03-01")));
}

#[test]
fn entities_fill_one_source_after_the_other() {
    let mut world = World::with_calls("10");
    world.entry(100, Subject::Feature(SEATS)).limit = Some(quantity("3"));
    world.addon(101);
    world.entry(101, Subject::Feature(SEATS)).limit = Some(quantity("2"));
    world.subscribe(201, 101, "2026-01-20");
    let rows = explain_entities(&world.resolve(SEATS, AT), 4);
    let numbers: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.source,
                row.used.unwrap().to_string(),
                row.remaining.unwrap().to_string(),
            )
        })
        .collect();
    let wanted = [
        ("plan", "3".to_owned(), "0".to_owned()),
        ("addon", "1".to_owned(), "1".to_owned()),
    ];
    assert_eq!(numbers, wanted);
}

#[test]
fn no_id_decides_the_order_of_what_is_alike_in_time() {
    let mut told = Vec::new();
    for ids in [[201, 202, 203, 204], [204, 203, 202, 201]] {
        let mut world = World::new();
        for (number, id) in (101..).zip(ids) {
            world.addon(number);
            let entry = world.entry(number, Subject::Feature(CALLS));
            entry.limit = Some(Quantity::from_int(110 - i64::try_from(number).unwrap()));
            let row = world.subscribe(id, number, "2026-01-20");
            if number < 103 {
                row.status = Status::Canceled;
                row.ended_at = Some(time("2026-02-01"));
            }
        }
        let rows = rows(&Book::default(), &world);
        let row = |row: &Explained| (row.granted.map(|most| most.to_string()), row.applied);
        told.push(rows.iter().map(row).collect::<Vec<_>>());
    }
    let limits = ["6", "7", "8", "9"].map(|text| Some(text.to_owned()));
    let applied = [true, true, false, false];
    assert_eq!(told[0], limits.into_iter().zip(applied).collect::<Vec<_>>());
    assert_eq!(told[0], told[1]);
}
