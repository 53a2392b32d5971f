//! Anchors that a provider moves: a subscription takes its own place, and nothing vanishes or comes twice.

use proptest::prelude::*;

use super::dice::{Dice, tape};
use super::switched::{apart, limit, rolled_over, shortfall, succession, switch, upgraded};
use crate::decision::Code;
use crate::entitlement::facts::Subject;
use crate::entitlement::fixture::*;
use crate::period::Time;
use crate::quantity::Quantity;

/// As `flow/apply` does it.
fn move_anchor(world: &mut World, number: u128, at: Time, anchor: Time) {
    let row = world.subscription(number);
    let before = row.clone();
    row.anchor_at = anchor;
    row.note_move(&before, at);
}

fn moved(world: &mut World, at: &str, anchor: &str) {
    move_anchor(world, 201, time(at), time(anchor));
}

#[test]
fn what_rolled_over_goes_along_with_a_moved_anchor() {
    for anchor in ["2026-04-02", "2026-03-19", "2026-01-15"] {
        let mut world = upgraded("2026-03-20");
        let mut book = Book::default();
        // Six of the twenty that had rolled over.
        book.track(&world, CALLS, "2026-03-25", "6");
        moved(&mut world, "2026-04-03", anchor);
        assert_eq!(limit(&book, &world, "2026-04-03"), "64", "{anchor}");
        let drawn = book.track(&world, CALLS, "2026-04-04", "15");
        assert_eq!(drawn_of(&drawn), ["rollover 14", "plan 1"], "{anchor}");
        // The period that the move cut short leaves nothing.
        assert_eq!(limit(&book, &world, "2026-05-03"), "99", "{anchor}");
    }
}

#[test]
fn periods_that_were_over_before_the_move_have_rolled_over() {
    let mut world = upgraded("2026-03-20");
    moved(&mut world, "2026-05-25", "2026-05-24");
    // Twenty of the plan before, and two whole periods of fifty.
    assert_eq!(limit(&Book::default(), &world, "2026-05-25"), "170");
    assert_eq!(limit(&Book::default(), &world, "2026-06-24"), "220");
}

#[test]
fn an_anchor_that_comes_back_hands_down_twice() {
    let mut world = upgraded("2026-03-20");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-03-25", "6");
    moved(&mut world, "2026-04-03", "2026-04-02");
    book.track(&world, CALLS, "2026-04-05", "3");
    moved(&mut world, "2026-04-10", "2026-03-20");
    assert_eq!(
        book.check(&world, CALLS, "2026-04-10", "0").balance,
        Some(quantity("61"))
    );
    book.track(&world, CALLS, "2026-04-11", "11");
    assert_eq!(limit(&book, &world, "2026-04-21"), "100");
}

#[test]
fn a_late_word_on_what_has_ended_neither_takes_nor_gives() {
    for (anchor, count) in [("2026-01-15", 1), ("2026-03-20", 1), ("2026-03-20", 2)] {
        let mut world = upgraded("2026-03-20");
        let row = world.subscription(201);
        (row.anchor_at, row.count_number) = (time(anchor), count);
        let mut book = Book::default();
        book.track(&world, CALLS, "2026-03-18", "3");
        book.track(&world, CALLS, "2026-03-25", "6");
        move_anchor(&mut world, 200, time("2026-04-20"), time("2026-01-20"));
        let drawn = book.track(&world, CALLS, "2026-04-21", "1");
        assert_eq!(drawn_of(&drawn), ["rollover 1"]);
        let left = book.entitlement(&world, CALLS, None, time("2026-04-21"));
        // Twenty rolled over from the first plan and fifty of the second, and ten are drawn.
        assert_eq!(
            rolled_over(&book, &left),
            quantity("60"),
            "{anchor} {count}"
        );
    }
}

#[test]
fn a_late_event_leaves_what_was_spent_after_the_move() {
    let mut world = upgraded("2026-03-20");
    let mut book = Book::default();
    moved(&mut world, "2026-04-03", "2026-04-02");
    book.track(&world, CALLS, "2026-04-05", "17");
    let late = book.check(&world, CALLS, "2026-02-01", "4");
    assert_eq!(late.code, Code::LimitExceeded);
    let late = book.check(&world, CALLS, "2026-03-25", "54");
    assert_eq!(late.code, Code::LimitExceeded);
    assert!(book.check(&world, CALLS, "2026-03-25", "53").allowed);
    moved(&mut world, "2026-04-10", "2026-03-20");
    let late = book.check(&world, CALLS, "2026-04-06", "54");
    assert_eq!(late.code, Code::LimitExceeded);
}

#[test]
fn an_addon_takes_its_own_place_too() {
    let mut world = World::with_calls("10");
    world.addon(102);
    let entry = world.entry(102, Subject::Feature(CALLS));
    entry.limit = Some(quantity("5"));
    entry.rollover = true;
    world.subscribe(202, 102, "2026-01-20");
    move_anchor(&mut world, 202, time("2026-03-25"), time("2026-03-24"));
    // Ten and five now; two periods of the add-on rolled over.
    assert_eq!(limit(&Book::default(), &world, "2026-03-25"), "25");
}

#[test]
fn a_fresh_count_within_a_subscription_inherits() {
    let mut world = upgraded("2026-03-20");
    let row = world.subscription(201);
    let before = row.clone();
    row.count_number = 2;
    row.note_move(&before, time("2026-04-03"));
    let mut book = Book::default();
    assert_eq!(limit(&book, &world, "2026-04-03"), "70");
    book.track(&world, CALLS, "2026-04-04", "21");
    assert_eq!(limit(&book, &world, "2026-04-20"), "99");
}

#[test]
fn an_override_without_a_plan_gives_nothing_anew_where_the_anchor_moves() {
    let mut world = World::new();
    world.plan(100);
    world.subscribe(201, 100, "2026-03-20");
    let held = world.overrule(400, CALLS);
    held.subscription_id = Some(id(201));
    held.usage_limit = Some(quantity("5"));
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-03-25", "4");
    moved(&mut world, "2026-04-03", "2026-04-02");
    let left = book.check(&world, CALLS, "2026-04-04", "0");
    assert_eq!(figures(&left), ["4", "5", "1", "0"]);
}

#[test]
fn a_rest_is_not_given_again_over_a_time_without_a_plan() {
    let mut world = upgraded("2026-03-20");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-03-25", "20");
    switch(&mut world, 201, "2026-04-01");
    // Back on the meter of the first plan, within its period.
    world.subscribe(202, 100, "2026-04-02").anchor_at = time("2026-01-15");
    assert_eq!(limit(&book, &world, "2026-04-03"), "10");
}

fn any_moves(dice: &mut Dice, world: &mut World) -> Vec<Time> {
    let mut moves = Vec::new();
    for number in 200..203 {
        let end = world.subscription(number).ended_at;
        for _ in 0..dice.roll(3) {
            let began = world.subscription(number).stage_began_at();
            let at = dice.time_after(began, 900);
            if end.is_some_and(|end| end <= at) {
                continue;
            }
            let anchors = [time("2026-01-15"), world.subscription(number).started_at];
            let anchor = match dice.roll(3) {
                0 => dice.time("2026-01-10", 3000).min(at),
                one => anchors[usize::from(one) - 1],
            };
            move_anchor(world, number, at, anchor);
            if world.subscription(number).anchor_moved_at == Some(at) {
                moves.push(at);
            }
        }
    }
    moves
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_move_neither_takes_nor_gives(tape in tape()) {
        let mut dice = Dice::new(tape);
        let (mut world, _) = succession(&mut dice);
        any_moves(&mut dice, &mut world);
        for entry in &mut world.facts.plan_features {
            entry.rollover = true;
            entry.history.clear();
        }
        let last = world.facts.subscriptions.last().unwrap().clone();
        let at = dice.time_after(last.stage_began_at(), 900);
        let mut book = Book::default();
        for _ in 0..dice.roll(12) {
            let moment = dice.time("2026-01-15", 4200);
            if moment < at {
                let amount = Quantity::from_int(i64::from(dice.roll(12)));
                book.track_at(&world, CALLS, None, moment, amount);
            }
        }
        let before = book.entitlement(&world, CALLS, None, at);
        let kept = before.sources.last().unwrap().meter.parent();
        let met: Vec<_> = book.lines.iter().map(|line| line.0.parent()).collect();
        move_anchor(&mut world, 202, at, dice.time("2026-01-10", 3000).min(at));
        let after = book.entitlement(&world, CALLS, None, at);
        let meter = after.sources.last().unwrap().meter.parent();
        prop_assume!(kept != meter && !met.contains(&meter) && apart(&before));
        prop_assert_eq!(rolled_over(&book, &before), rolled_over(&book, &after));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_rolled_over_is_never_drawn_twice_where_anchors_move(tape in tape()) {
        let mut dice = Dice::new(tape);
        let (mut world, _) = succession(&mut dice);
        any_moves(&mut dice, &mut world);
        let mut book = Book::default();
        for _ in 0..dice.roll(40) {
            let at = dice.time("2026-01-15", 4200);
            let amount = Quantity::from_int(i64::from(dice.roll(30)));
            book.track_at(&world, CALLS, None, at, amount);
            prop_assert_eq!(shortfall(&book, &world, time("2026-07-30")), Quantity::ZERO);
        }
    }
}
