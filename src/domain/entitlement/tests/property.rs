//! What holds in every world, checked in random ones.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::dice::{Dice, tape, world};
use crate::decision::{self, Code, explain};
use crate::draw::{After, Drawn, Used, draw, give_back, room, used_of};
use crate::entitlement::fixture::*;
use crate::entitlement::{Entitlement, FeatureType, GrantState, Source};
use crate::period::Time;
use crate::quantity::Quantity;

/// The smallest amount there is.
const DUST: Quantity = Quantity::from_raw(1);

/// A world in which something was tracked, and the moment at which it is looked at.
fn lived_in(dice: &mut Dice) -> (World, Book, Option<&'static str>, Time) {
    let world = world(dice);
    let entity = [None, Some("a")][usize::from(dice.roll(2))];
    let mut book = Book::default();
    for _ in 0..dice.roll(12) {
        let at = dice.time("2026-01-15", 2500);
        let feature = [CALLS, IMAGES][usize::from(dice.roll(2))];
        let amount = Quantity::from_raw(dice.amount().raw() / 8);
        if entity.is_some() || !needs_entity(&book.entitlement(&world, feature, entity, at)) {
            book.track_at(&world, feature, entity, at, amount);
        }
    }
    let at = dice.time("2026-01-15", 2500);
    (world, book, entity, at)
}

fn needs_entity(entitlement: &Entitlement) -> bool {
    let mut sources = entitlement.sources.iter();
    sources.any(|source| source.sums_over_entities())
}

fn try_draw(entitlement: &Entitlement, used: &dyn Used, value: Quantity) -> Option<Drawn> {
    let cost = entitlement.credit.as_ref().map(|credit| credit.cost);
    let sources = &entitlement.sources;
    draw(sources, entitlement.overage, used, value, cost).ok()
}

/// Everything but the moment.
fn picture(mut entitlement: Entitlement) -> String {
    entitlement.at = Time::UNIX_EPOCH;
    format!("{entitlement:#?}")
}

/// The lines in which two pictures differ.
fn difference(one: Entitlement, other: Entitlement) -> Vec<String> {
    let (one, other) = (picture(one), picture(other));
    let pairs = one.lines().zip(other.lines());
    let mut lines: Vec<String> = pairs
        .filter(|(left, right)| left != right)
        .map(|(left, right)| format!("{left} / {right}"))
        .collect();
    if one.lines().count() != other.lines().count() {
        lines.push("length".to_owned());
    }
    lines
}

/// Credits of a price, before rounding, in billionths of billionths.
fn price(entitlement: &Entitlement, units: Quantity) -> i128 {
    let cost = entitlement
        .credit
        .as_ref()
        .map_or(Quantity::ONE, |credit| credit.cost);
    units.raw() * cost.raw()
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(tape in tape(), seed in any::<u64>()) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, at) = lived_in(&mut dice);
        let mut other = world.clone();
        let turn = |length: usize| (seed as usize) % length.max(1);
        other.facts.subscriptions.reverse();
        let length = other.facts.plan_features.len();
        other.facts.plan_features.rotate_left(turn(length));
        other.facts.overrides.reverse();
        let length = other.facts.grants.len();
        other.facts.grants.rotate_left(turn(length));
        for entry in &mut other.facts.plan_features {
            entry.history.reverse();
        }
        let one = book.entitlement(&world, CALLS, entity, at);
        let two = book.entitlement(&other, CALLS, entity, at);
        prop_assert_eq!(difference(one, two), Vec::<String>::new());
    }

    #[test]
    fn time_alone_changes_nothing_before_valid_until(tape in tape(), part in 1_i64..100) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, at) = lived_in(&mut dice);
        // Usage after the moment would make it a late one.
        let now = book.entitlement(&world, CALLS, entity, at);
        let until = now.valid_until.unwrap_or(at + TimeDelta::days(4000));
        prop_assert!(until > now.at);
        let length = (until - now.at).num_microseconds().unwrap() - 1;
        let later = now.at + TimeDelta::microseconds(length / 100 * part);
        let then = book.entitlement(&world, CALLS, entity, later);
        prop_assert_eq!(difference(now.clone(), then), Vec::<String>::new());
        let then = book.entitlement(&world, CALLS, entity, now.at + TimeDelta::microseconds(length));
        prop_assert_eq!(difference(now, then), Vec::<String>::new());
    }

    #[test]
    fn a_draw_gives_the_whole_and_never_more_than_a_source_has(tape in tape(), raw in 0_i128..80_000_000_000) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, at) = lived_in(&mut dice);
        let entitlement = book.entitlement(&world, CALLS, entity, at);
        let value = Quantity::from_raw(raw);
        let Some(drawn) = try_draw(&entitlement, &book, value) else {
            return Ok(());
        };
        let units = Quantity::checked_sum(drawn.lines.iter().map(|line| line.units));
        prop_assert_eq!(units, Some(value));
        let (mut credits, mut paid) = (0_i128, Quantity::ZERO);
        for line in &drawn.lines {
            let source = &entitlement.sources[line.source];
            prop_assert!(!line.amount.is_negative() && !line.units.is_negative());
            let regular = line.amount.checked_sub(line.overage).unwrap();
            if let Some(room) = room(source, &book) {
                prop_assert!(regular <= room);
            }
            if source.in_credits() {
                credits += line.amount.raw() * 1_000_000_000;
                paid = paid.checked_add(line.units).unwrap();
            } else {
                prop_assert_eq!(line.amount, line.units);
            }
            if !line.overage.is_zero() {
                let over = entitlement.overage.unwrap();
                prop_assert_eq!(over.source, line.source);
                let after = After { used: &book, lines: &drawn.lines };
                let beyond = used_of(source, &after).saturating_sub_to_zero(source.limit.unwrap());
                prop_assert!(over.max.is_none_or(|max| beyond <= max));
                prop_assert!(source.ceiling.is_none_or(|most| used_of(source, &after) <= most));
            }
        }
        // Rounded up once for each stretch of credit sources in order.
        let price = price(&entitlement, paid);
        let stretches = 1 + entitlement.sources.iter().filter(|source| !source.in_credits()).count();
        let free = entitlement.credit.is_none();
        prop_assert!(free || credits >= price);
        prop_assert!(free || credits - price < 1_000_000_000 * (stretches as i128) + price / 1_000_000 + 4_000_000_000);
    }

    #[test]
    fn the_balance_is_the_most_that_can_be_drawn(tape in tape()) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, at) = lived_in(&mut dice);
        let mut entitlement = book.entitlement(&world, CALLS, entity, at);
        entitlement.overage = None;
        let numbers = decision::numbers(&entitlement, &book);
        let Some(balance) = numbers.balance else {
            let much = Quantity::from_int(1_000_000_000);
            prop_assert!(try_draw(&entitlement, &book, much).is_some());
            return Ok(());
        };
        prop_assert!(!balance.is_negative());
        prop_assert!(try_draw(&entitlement, &book, balance).is_some());
        prop_assert!(try_draw(&entitlement, &book, balance.checked_add(DUST).unwrap()).is_none());
        let more = balance.checked_add(DUST).unwrap();
        prop_assert!(!decision::check(&entitlement, &book, more).allowed);
        if entitlement.grant == GrantState::Granted {
            prop_assert!(decision::check(&entitlement, &book, balance).allowed);
        }
    }

    #[test]
    fn a_check_says_what_a_track_then_does(tape in tape(), raw in 1_i128..80_000_000_000) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, at) = lived_in(&mut dice);
        let entitlement = book.entitlement(&world, CALLS, entity, at);
        let value = Quantity::from_raw(raw);
        let check = decision::check(&entitlement, &book, value);
        let (track, drawn) = decision::track(&entitlement, &book, value);
        prop_assert_eq!(check.allowed, track.allowed);
        prop_assert_eq!(check.allowed, decision::allowed(&entitlement, &book, value));
        prop_assert_eq!(track.allowed, track.code.allowed());
        let code = match track.code {
            Code::Tracked => Code::AccessGranted,
            Code::TrackedOverage => Code::OverageAllowed,
            other => other,
        };
        prop_assert_eq!(check.code, code);
        if !track.allowed {
            prop_assert!(drawn.lines.is_empty());
            prop_assert_eq!(figures(&check), figures(&track));
        }
        // What a track answers is what a check answers right after it.
        let mut after = book.clone();
        after.record(&drawn);
        prop_assert_eq!(figures(&track), figures(&decision::check(&entitlement, &after, value)));
        prop_assert!(track.usage >= check.usage);
        if let (Some(limit), Some(overage)) = (track.usage_limit, track.overage) {
            prop_assert_eq!(overage, track.usage.saturating_sub_to_zero(limit));
        }
    }

    #[test]
    fn what_is_given_back_can_be_drawn_again(tape in tape(), raw in 1_i128..40_000_000_000) {
        let mut dice = Dice::new(tape);
        let (mut world, book, entity, at) = lived_in(&mut dice);
        // Prices without remainder: else a return keeps what the rounding took.
        world.system().costs.insert(CALLS, quantity("2"));
        let entitlement = book.entitlement(&world, CALLS, entity, at);
        let value = Quantity::from_raw(raw);
        let (sources, over) = (&entitlement.sources, entitlement.overage);
        let cost = entitlement.credit.as_ref().map(|credit| credit.cost);
        let before = decision::numbers(&entitlement, &book);
        let Some(drawn) = try_draw(&entitlement, &book, value) else {
            return Ok(());
        };
        let mut after = book.clone();
        after.record(&drawn);
        let back = give_back(sources, over, &after, value, cost);
        let Ok(back) = back else {
            // What an override counts but does not record cannot be returned.
            return Err(TestCaseError::fail("a draw that cannot be given back"));
        };
        after.record(&back);
        let units = Quantity::checked_sum(back.lines.iter().map(|line| line.units.negate()));
        prop_assert_eq!(units, Some(value));
        // What was drawn before, at another price, may have left a part of a unit, which is rounded up.
        let most = before.usage.checked_add(Quantity::from_raw(1)).unwrap();
        prop_assert_eq!(decision::numbers(&entitlement, &after).usage <= most
            || sources.iter().any(|source| source.is_unlimited() || !source.is_allowance()), true);
        prop_assert!(try_draw(&entitlement, &after, value).is_some());
    }

    #[test]
    fn explained_rows_add_up_to_the_balance(tape in tape()) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, at) = lived_in(&mut dice);
        let entitlement = book.entitlement(&world, CALLS, entity, at);
        let rows = explain(&entitlement, &book);
        for (row, ordinal) in rows.iter().zip(1..) {
            prop_assert_eq!(row.ordinal, ordinal);
        }
        let sources = rows.iter().filter(|row| row.applied && row.source != "overage");
        let rest: Option<Vec<Quantity>> = sources.map(|row| row.remaining).collect();
        let balance = decision::numbers(&entitlement, &book).balance;
        prop_assert_eq!(rest.is_none(), balance.is_none());
        if let (Some(rest), Some(balance)) = (rest, balance) {
            let count = rest.len() as i128;
            let sum = Quantity::checked_sum(rest).unwrap();
            prop_assert!(sum <= balance && balance.raw() - sum.raw() <= count);
        }
    }

    #[test]
    fn no_sequence_of_tracks_overdraws_a_source(tape in tape()) {
        let mut dice = Dice::new(tape);
        let (world, book, entity, _) = lived_in(&mut dice);
        // Look again at every moment of a day: late events have come in between.
        for day in 0..110 {
            let at = time("2026-01-15") + TimeDelta::days(day);
            let entitlement = book.entitlement(&world, CALLS, entity, at);
            prop_assert_eq!(entitlement.feature_type, FeatureType::Metered);
            let spent = |source: &Source| used_of(source, &book);
            for source in &entitlement.sources {
                prop_assert!(source.rollover.is_none());
                if entitlement.overage.is_none() && world.facts.overrides.is_empty() {
                    let within = source.closed || source.limit.is_none_or(|limit| spent(source) <= limit);
                    prop_assert!(within || source.sums_over_entities(), "{source:#?}");
                }
            }
        }
    }
}
