//! Rollover across switches that move the meter: nothing vanishes, nothing is given twice.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::dice::{Dice, tape};
use crate::decision::Code;
use crate::draw::room;
use crate::entitlement::facts::{PlanFeaturePast, Scope, Status, Subject};
use crate::entitlement::fixture::*;
use crate::entitlement::{Entitlement, SourceKind};
use crate::interval::{Interval, Reset, Span};
use crate::period::Time;
use crate::quantity::Quantity;
use crate::rollover::RolloverPlan;

/// From ten calls a month to fifty, which begin with the switch.
pub fn upgraded(at: &str) -> World {
    let mut world = World::with_calls("10");
    world.first_entry().rollover = true;
    switch(&mut world, 200, at);
    world.plan(101);
    let entry = world.entry(101, Subject::Feature(CALLS));
    entry.limit = Some(quantity("50"));
    entry.rollover = true;
    world.subscribe(201, 101, at);
    world
}

pub fn switch(world: &mut World, number: u128, at: &str) {
    let row = world.subscription(number);
    row.status = Status::Canceled;
    row.ended_at = Some(time(at));
}

pub fn limit(book: &Book, world: &World, at: &str) -> String {
    let decision = book.check(world, CALLS, at, "0");
    decision.usage_limit.unwrap().to_string()
}

#[test]
fn an_upgrade_takes_what_rolled_over_with_it() {
    let world = upgraded("2026-03-20");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "4");
    // Six and ten rolled over; seven of them are drawn before the switch.
    let decision = book.track(&world, CALLS, "2026-03-18", "7");
    assert_eq!(figures(&decision), ["7", "26", "19", "0"]);
    assert_eq!(limit(&book, &world, "2026-03-20"), "59");
    let decision = book.track(&world, CALLS, "2026-03-25", "12");
    assert_eq!(drawn_of(&decision), ["rollover 9", "plan 3"]);
    // The running period of ten was cut short: it leaves nothing.
    assert_eq!(limit(&book, &world, "2026-04-25"), "97");
}

#[test]
fn a_period_that_ends_with_the_switch_has_rolled_over() {
    let world = upgraded("2026-03-15");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-03-01", "4");
    assert_eq!(limit(&book, &world, "2026-03-14"), "20");
    assert_eq!(limit(&book, &world, "2026-03-15"), "66");
}

#[test]
fn another_interval_and_a_fresh_count_inherit_as_well() {
    let mut world = upgraded("2026-03-20");
    world.facts.plan_features[1].reset = Reset::Every(Interval::Weekly);
    world.subscription(201).anchor_at = time("2026-01-15");
    world.subscription(201).count_number = 2;
    assert_eq!(limit(&Book::default(), &world, "2026-03-21"), "70");
    assert_eq!(limit(&Book::default(), &world, "2026-03-28"), "120");
}

#[test]
fn the_new_plan_says_how_much_is_kept_and_how_long() {
    let mut world = upgraded("2026-03-20");
    world.facts.plan_features[1].rollover_limit = Some(quantity("15"));
    // The cap acts at the next boundary, on what was inherited as well.
    assert_eq!(limit(&Book::default(), &world, "2026-03-21"), "70");
    assert_eq!(limit(&Book::default(), &world, "2026-04-21"), "65");
    world.facts.plan_features[1].rollover_limit = None;
    world.facts.plan_features[1].rollover_expires_after = Span::new(2, 0, 0);
    // The first rest is of the period that ended on 15 February, the second of 15 March.
    assert_eq!(limit(&Book::default(), &world, "2026-04-14"), "70");
    assert_eq!(limit(&Book::default(), &world, "2026-04-15"), "60");
}

#[test]
fn what_had_expired_before_the_switch_stays_expired() {
    let mut world = upgraded("2026-03-20");
    world.first_entry().rollover_expires_after = Span::new(0, 30, 0);
    // 15 February and thirty days: before the switch; 15 March and thirty days: after it.
    assert_eq!(limit(&Book::default(), &world, "2026-03-19"), "20");
    assert_eq!(limit(&Book::default(), &world, "2026-03-20"), "60");
}

#[test]
fn a_plan_that_keeps_nothing_inherits_nothing() {
    let mut world = upgraded("2026-03-20");
    world.facts.plan_features[1].rollover = false;
    assert_eq!(limit(&Book::default(), &world, "2026-03-21"), "50");
    let mut world = upgraded("2026-03-20");
    world.first_entry().rollover = false;
    assert_eq!(limit(&Book::default(), &world, "2026-03-21"), "50");
}

#[test]
fn only_a_switch_hands_down() {
    let mut world = upgraded("2026-03-20");
    world.subscription(200).ended_at = Some(time("2026-03-19"));
    assert_eq!(limit(&Book::default(), &world, "2026-03-21"), "50");
}

#[test]
fn a_pool_is_not_given_to_each_entity() {
    let mut world = upgraded("2026-03-20");
    world.facts.plan_features[1].scope = Scope::Entity;
    world.facts.entity_added = [("one".to_owned(), time("2026-01-15"))].into();
    let at = time("2026-03-21");
    let entitlement = Book::default().entitlement(&world, CALLS, Some("one"), at);
    let limits = entitlement.sources.iter().map(|source| source.limit);
    assert_eq!(limits.collect::<Vec<_>>(), [Some(quantity("50"))]);
}

#[test]
fn a_late_event_leaves_what_was_spent_after_the_switch() {
    let world = upgraded("2026-03-20");
    let mut book = Book::default();
    // Of twenty that rolled over seventeen are spent on the new plan.
    book.track(&world, CALLS, "2026-03-25", "17");
    let decision = book.check(&world, CALLS, "2026-02-01", "4");
    assert_eq!(decision.code, Code::LimitExceeded);
    assert_eq!(figures(&decision), ["0", "10", "3", "0"]);
    let decision = book.track(&world, CALLS, "2026-02-01", "3");
    assert_eq!(decision.code, Code::Tracked);
    let decision = book.check(&world, CALLS, "2026-03-19", "11");
    assert_eq!(decision.code, Code::LimitExceeded);
    // The period that was cut short hands nothing down, so its own rest may be used.
    assert!(book.check(&world, CALLS, "2026-03-19", "10").allowed);
}

/// The same, where periods go on: both plans count on one meter.
fn upgraded_within_the_period() -> World {
    let mut world = upgraded("2026-03-20");
    world.subscription(201).anchor_at = time("2026-01-15");
    world
}

#[test]
fn a_late_event_leaves_what_the_next_plan_spent_of_the_same_meter() {
    for gives in [true, false] {
        let mut world = upgraded_within_the_period();
        world.first_entry().rollover = gives;
        let before = if gives { 20 } else { 0 };
        let mut book = Book::default();
        // Of the fifty of the period with the switch, and what rolled over before, five are left.
        let spent = Quantity::from_int(before + 45);
        let decision = book.track_at(&world, CALLS, None, time("2026-04-20"), spent);
        assert_eq!(decision.code, Code::Tracked);
        let late = book.check(&world, CALLS, "2026-03-18", "6");
        assert_eq!(late.code, Code::LimitExceeded, "{gives}");
        let late = book.track(&world, CALLS, "2026-03-18", "5");
        assert_eq!(late.code, Code::Tracked, "{gives}");
        let again = book.check(&world, CALLS, "2026-03-25", "1");
        assert_eq!(again.code, Code::LimitExceeded, "{gives}");
    }
}

#[test]
fn a_plan_that_rolls_nothing_over_gives_no_rest_to_a_late_event_either() {
    let mut world = upgraded_within_the_period();
    world.first_entry().rollover = false;
    let late = Book::default().check(&world, CALLS, "2026-03-18", "11");
    assert_eq!(figures(&late), ["0", "10", "10", "0"]);
    // Nothing is bounded where nothing follows.
    world.facts.plan_features[1].rollover = false;
    let late = Book::default().check(&world, CALLS, "2026-03-18", "10");
    assert!(late.allowed);
}

#[test]
fn each_plan_keeps_rests_of_the_same_meter_as_long_as_it_says() {
    let mut world = upgraded_within_the_period();
    world.facts.plan_features[1].rollover_expires_after = Span::new(0, 20, 0);
    let mut book = Book::default();
    // Fifteen of twenty are drawn in time, of rests that the next plan would have let lapse.
    book.track(&world, CALLS, "2026-03-16", "15");
    let late = book.check(&world, CALLS, "2026-02-01", "6");
    assert_eq!(late.code, Code::LimitExceeded);
    let late = book.track(&world, CALLS, "2026-02-01", "5");
    assert_eq!(late.code, Code::Tracked);
}

#[test]
fn a_late_return_grows_what_was_inherited() {
    let world = upgraded("2026-03-20");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "8");
    assert_eq!(limit(&book, &world, "2026-03-25"), "62");
    book.give_back(&world, CALLS, "2026-02-01", "5").unwrap();
    assert_eq!(limit(&book, &world, "2026-03-25"), "67");
}

#[test]
fn a_rest_is_not_given_again_where_nobody_knows_any_more_what_was_before_a_move() {
    for (anchor, after) in [
        ("2026-04-02", "2026-05-03"),
        ("2026-03-19", "2026-05-03"),
        // Back to the meter of the plan before.
        ("2026-01-15", "2026-04-16"),
    ] {
        let mut world = upgraded("2026-03-20");
        let mut book = Book::default();
        // All twenty that had rolled over, and one.
        book.track(&world, CALLS, "2026-03-25", "21");
        world.subscription(201).anchor_at = time(anchor);
        world.subscription(201).anchor_moved_at = Some(time("2026-04-03"));
        for at in ["2026-03-25", "2026-04-03", "2026-04-10"] {
            assert_eq!(limit(&book, &world, at), "50", "{anchor} {at}");
        }
        // What is left from then on rolls over as ever.
        let running = book.track(&world, CALLS, "2026-04-04", "41");
        assert_eq!(running.code, Code::Tracked, "{anchor}");
        assert_eq!(limit(&book, &world, after), "59", "{anchor}");
    }
}

#[test]
fn a_plan_after_a_moved_anchor_inherits_what_rolled_over_since() {
    let mut world = upgraded("2026-03-20");
    world.subscription(201).anchor_moved_at = Some(time("2026-04-03"));
    switch(&mut world, 201, "2026-05-25");
    world.plan(102);
    let entry = world.entry(102, Subject::Feature(CALLS));
    entry.limit = Some(quantity("7"));
    entry.rollover = true;
    world.subscribe(202, 102, "2026-05-25");
    // Of periods of fifty the one in which the anchor moved and the one after it.
    assert_eq!(limit(&Book::default(), &world, "2026-05-26"), "107");
}

#[test]
fn switches_in_one_moment_hand_down_in_their_order_whatever_their_ids() {
    for (second, third) in [(201, 202), (202, 201)] {
        let mut world = upgraded("2026-03-20");
        world.subscription(201).id = id(second);
        world.facts.plan_features[1].reset = Reset::Every(Interval::Weekly);
        switch(&mut world, second, "2026-03-20");
        world.plan(102);
        let entry = world.entry(102, Subject::Feature(CALLS));
        entry.limit = Some(quantity("7"));
        entry.rollover = true;
        world.subscribe(third, 102, "2026-03-20");
        let mut book = Book::default();
        let mut between = world.clone();
        between.facts.subscriptions.truncate(2);
        between.subscription(second).status = Status::Active;
        between.subscription(second).ended_at = None;
        // While the second was live it spent what had rolled over, and all but ten of its own.
        book.track(&between, CALLS, "2026-03-20", "60");
        assert_eq!(limit(&book, &world, "2026-03-20"), "7", "{second}");
    }
}

/// Three plans that follow each other, with rhythms, limits and rules at random; and the switches.
pub fn succession(dice: &mut Dice) -> (World, [Time; 2]) {
    let mut world = World::new();
    let start = time("2026-01-15");
    let first = start + TimeDelta::hours(1 + i64::from(dice.roll(2000)));
    let second = first + TimeDelta::hours(i64::from(dice.roll(2000)));
    let begins = [start, first, second];
    for (index, begin) in begins.into_iter().enumerate() {
        let number = index as u128;
        world.plan(100 + number);
        let entry = world.entry(100 + number, Subject::Feature(CALLS));
        entry.limit = Some(Quantity::from_int(i64::from(dice.roll(20))));
        entry.rollover = dice.roll(8) > 0;
        entry.reset = Reset::Every(
            [Interval::Weekly, Interval::Monthly, Interval::Daily][usize::from(dice.roll(3))],
        );
        if dice.roll(3) == 0 {
            entry.history = vec![PlanFeaturePast {
                valid_until: dice.time("2026-01-20", 3000),
                limit: entry.limit,
                reset: Reset::Every(Interval::Weekly),
                reset_anchor: entry.reset_anchor,
                rollover: entry.rollover,
                rollover_limit: entry.rollover_limit,
            }];
        }
        let cap = dice.roll(60);
        entry.rollover_limit = (cap < 40).then(|| Quantity::from_int(i64::from(cap)));
        let days = i64::from(dice.roll(60));
        entry.rollover_expires_after = Span::new(0, days, 0).filter(|_| days > 20);
        let (keeps, fresh) = (dice.roll(3) == 0, dice.roll(5) == 0);
        let before = world.facts.subscriptions.last().cloned();
        let row = world.subscribe(200 + number, 100 + number, "2026-01-15");
        row.started_at = begin;
        row.anchor_at = begin;
        if let Some(before) = before {
            row.count_number = before.count_number + i32::from(fresh);
            if keeps {
                row.anchor_at = before.anchor_at;
            }
            let ended = world.subscription(200 + number - 1);
            ended.status = Status::Canceled;
            ended.ended_at = Some(begin);
        }
    }
    (world, [first, second])
}

/// What rolled over and can still be drawn.
pub fn rolled_over(book: &Book, entitlement: &Entitlement) -> Quantity {
    let rollovers = entitlement.sources.iter();
    let rollovers = rollovers.filter(|source| source.kind == SourceKind::Rollover);
    rollovers.fold(Quantity::ZERO, |sum, source| {
        sum.checked_add(room(source, book).unwrap()).unwrap()
    })
}

/// Whether all rests are drawn apart: of very many with an end the newest are one, and end with its
/// oldest.
pub fn apart(entitlement: &Entitlement) -> bool {
    entitlement.sources.len() + entitlement.ignored.len() < 32
}

/// Draws of rests that were not there, over all meters that follow each other.
pub fn shortfall(book: &Book, world: &World, at: Time) -> Quantity {
    let entitlement = crate::entitlement::resolve(&world.facts, CALLS, None, at);
    let histories = book.histories(&entitlement);
    let short = |plan: &RolloverPlan| {
        plan.chain(&histories, plan.number.saturating_add(1))
            .shortfall
    };
    let plans = entitlement.rollovers().map(short);
    plans.max().unwrap_or_default()
}

proptest! {
    // Each draw of the histories below is bounded by trying over all that came before.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_switch_neither_takes_nor_gives(tape in tape(), index in 0_usize..2) {
        let mut dice = Dice::new(tape);
        let (world, switches) = succession(&mut dice);
        let at = switches[index];
        let mut book = Book::default();
        for _ in 0..dice.roll(12) {
            let moment = dice.time("2026-01-15", 4200);
            let amount = Quantity::from_int(i64::from(dice.roll(12)));
            if moment < at {
                book.track_at(&world, CALLS, None, moment, amount);
            }
        }
        // As if it had not been: the plan before it goes on.
        let left = |plans: usize| {
            let mut world = world.clone();
            world.facts.subscriptions.truncate(plans);
            let row = world.facts.subscriptions.last_mut().unwrap();
            row.status = Status::Active;
            row.ended_at = None;
            let entitlement = book.entitlement(&world, CALLS, None, at);
            let meter = entitlement.sources.last().unwrap().meter.parent();
            (rolled_over(&book, &entitlement), meter, apart(&entitlement))
        };
        let ((before, from_meter, known), (after, to_meter, _)) = (left(index + 1), left(index + 2));
        prop_assume!(known);
        // On the same meter the new plan's span is in force at once, and a meter that is taken up again
        // within a period goes on with the rests that it had in it.
        prop_assume!(from_meter != to_meter && left(1).1 != to_meter);
        let (from, to) = (&world.facts.plan_features[index], &world.facts.plan_features[index + 1]);
        if from.rollover && to.rollover && to.rollover_expires_after.is_none() {
            prop_assert_eq!(before, after);
        } else if from.rollover {
            prop_assert!(after <= before);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_rolled_over_is_never_drawn_twice(tape in tape()) {
        let mut dice = Dice::new(tape);
        let (world, _) = succession(&mut dice);
        let mut book = Book::default();
        for _ in 0..dice.roll(40) {
            let at = dice.time("2026-01-15", 4200);
            let amount = Quantity::from_int(i64::from(dice.roll(30)));
            book.track_at(&world, CALLS, None, at, amount);
            prop_assert_eq!(shortfall(&book, &world, time("2026-07-30")), Quantity::ZERO);
        }
    }
}
