//! What is kept of a hold, by property and by example.

use proptest::prelude::*;

use super::*;
use crate::decision::{self, Code};
use crate::draw::{Used, WithHeld};
use crate::entitlement::fixture::*;
use crate::entitlement::{Entitlement, Subject};

/// Calls of the plan, then plan credits, then granted credits, then overage.
fn world(direct: i128, credits: i128, grant: i128, cost: i128) -> World {
    let mut world = World::new();
    world.system().costs.insert(CALLS, Quantity::from_raw(cost));
    world.plan(100);
    world.entry(100, Subject::Feature(CALLS)).limit = Some(Quantity::from_raw(direct));
    let entry = world.entry(100, Subject::CreditSystem(CREDITS));
    entry.limit = Some(Quantity::from_raw(credits));
    entry.overage_charged = true;
    world.subscribe(200, 100, "2026-01-15");
    world.grant(300, &Quantity::from_raw(grant).to_string());
    world
}

fn entitlement(world: &World) -> Entitlement {
    Book::default().entitlement(world, CALLS, None, time("2026-02-01"))
}

fn held(world: &World, value: Quantity) -> (Vec<Line>, Option<Quantity>) {
    let entitlement = entitlement(world);
    let (decision, drawn) = decision::hold(&entitlement, &Book::default(), value);
    assert!(decision.allowed);
    let cost = entitlement.credit.as_ref().map(|credit| credit.cost);
    (lines(&entitlement, &drawn), cost)
}

fn sum(quantities: impl Iterator<Item = Quantity>) -> Quantity {
    Quantity::checked_sum(quantities).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_kept_is_what_would_have_been_drawn(
        (direct, credits, grant) in (0..5_000_000_000_i128, 0..5_000_000_000_i128, 1..5_000_000_000_i128),
        cost in prop_oneof![0..4_i128, 0..4_000_000_000_i128],
        (hold, part) in (0..9_000_000_000_i128, 0..9_000_000_000_i128),
    ) {
        let world = world(direct, credits, grant, cost);
        let value = Quantity::from_raw(part.min(hold));
        let (lines, cost) = held(&world, Quantity::from_raw(hold));
        prop_assert_eq!(sum(lines.iter().map(|line| line.units)), Quantity::from_raw(hold));
        let kept = keep(&lines, cost, value);
        prop_assert_eq!(kept.beyond, Quantity::ZERO);
        prop_assert_eq!(sum(kept.shares.iter().map(|share| share.units)), value);
        let (fresh, _) = held(&world, value);
        let kept: Vec<_> = lines.iter().zip(&kept.shares)
            .filter(|(_, share)| **share != Share::default())
            .map(|(line, share)| (line.place.clone(), line.overage, share.amount, share.units))
            .collect();
        let fresh: Vec<_> = fresh.iter()
            .map(|line| (line.place.clone(), line.overage, line.amount, line.units))
            .collect();
        prop_assert_eq!(kept, fresh);
    }

    #[test]
    fn keeping_all_or_more_gives_nothing_back(
        (direct, credits, grant, cost) in (0..5_000_000_000_i128, 0..5_000_000_000_i128, 1..5_000_000_000_i128, 0..4_000_000_000_i128),
        (hold, more) in (0..9_000_000_000_i128, 0..9_000_000_000_i128),
    ) {
        let (lines, cost) = held(&world(direct, credits, grant, cost), Quantity::from_raw(hold));
        let kept = keep(&lines, cost, Quantity::from_raw(hold + more));
        prop_assert_eq!(kept.beyond, Quantity::from_raw(more));
        prop_assert!(given_back(&lines, &kept).is_empty());
        for (line, share) in lines.iter().zip(&kept.shares) {
            prop_assert_eq!((line.amount, line.units), (share.amount, share.units));
        }
    }

    #[test]
    fn lines_read_back(hold in 0..9_000_000_000_i128, anchored in any::<bool>()) {
        let (mut lines, _) = held(&world(1_000_000_000, 1_000_000_000, 1_000_000_000, 500_000_000), Quantity::from_raw(hold));
        if let Some(line) = lines.first_mut().filter(|_| anchored) {
            let mut other = line.place.clone();
            other.key.entity = Some("one".to_owned());
            other.key.origin = Some(3);
            other.key.anchor = crate::period::Anchor::Calendar;
            line.carried.push(other);
        }
        prop_assert_eq!(stored::from_json(id(1), stored::to_json(&lines)), Some(lines));
    }
}

#[test]
fn last_touched_is_undone_first() {
    // One unit is paid from two credits: 2 direct, 4 and 6 credits, and 2 units beyond.
    let world = world(2_000_000_000, 4_000_000_000, 6_000_000_000, 2_000_000_000);
    let (lines, cost) = held(&world, quantity("9"));
    let text = |shares: &[Share]| -> Vec<String> {
        shares
            .iter()
            .map(|share| share.amount.to_string())
            .collect()
    };
    let amounts: Vec<String> = lines.iter().map(|line| line.amount.to_string()).collect();
    assert_eq!(amounts, ["2", "4", "6", "4"]);
    assert_eq!(
        text(&keep(&lines, cost, quantity("8")).shares),
        ["2", "4", "6", "2"]
    );
    assert_eq!(
        text(&keep(&lines, cost, quantity("5")).shares),
        ["2", "4", "2", "0"]
    );
    assert_eq!(
        text(&keep(&lines, cost, quantity("1")).shares),
        ["1", "0", "0", "0"]
    );
    // Overage and plan credits are on one meter.
    assert_eq!(given_back(&lines, &keep_nothing(&lines)).len(), 3);
}

#[test]
fn a_hold_is_not_recorded_yet() {
    let world = world(1_000_000_000, 2_000_000_000, 4_000_000_000, 1_000_000_000);
    let entitlement = entitlement(&world);
    let code = |value: &str| {
        let book = Book::default();
        decision::hold(&entitlement, &book, quantity(value)).0.code
    };
    assert_eq!(code("1"), Code::AccessGranted);
    assert_eq!(code("4"), Code::AddonCreditsUsed);
    assert_eq!(code("8"), Code::OverageAllowed);
    assert_eq!(code("0"), Code::AccessGranted);
}

#[test]
fn the_answer_to_a_settle_tells_what_was_drawn() {
    let world = world(1_000_000_000, 2_000_000_000, 4_000_000_000, 1_000_000_000);
    let entitlement = entitlement(&world);
    let part = |kind, amount, overage| decision::Part {
        kind,
        amount: quantity(amount),
        overage,
    };
    let plan = part(SourceKind::Plan, "1", false);
    let grant = part(SourceKind::Grant, "2", false);
    let beyond = part(SourceKind::Plan, "3", true);
    let settled = |parts: &[decision::Part]| {
        decision::settled(&entitlement, &Book::default(), quantity("5"), parts)
    };
    assert_eq!(settled(&[plan]).code, Code::Tracked);
    assert_eq!(settled(&[plan, grant]).code, Code::AddonCreditsUsed);
    let all = settled(&[plan, beyond, grant, plan]);
    assert_eq!(all.code, Code::TrackedOverage);
    assert_eq!(drawn_of(&all), ["plan 2", "grant 2", "overage 3"]);
}

#[test]
fn what_is_held_cannot_be_given_back() {
    let world = World::with_calls("10");
    let mut book = Book::default();
    book.track(&world, CALLS, "2026-02-01", "10");
    let entitlement = book.entitlement(&world, CALLS, None, time("2026-02-01"));
    let (_, drawn) = decision::hold(&entitlement, &Book::default(), quantity("4"));
    let mut held = HashMap::new();
    add_held(&mut held, &lines(&entitlement, &drawn));
    let used = WithHeld {
        used: &book,
        held: &held,
        own: None,
        most: &HashMap::new(),
    };
    assert!(decision::give_back(&entitlement, &used, quantity("7")).is_err());
    let (decision, _) = decision::give_back(&entitlement, &used, quantity("6")).unwrap();
    assert_eq!(figures(&decision), ["4", "10", "6", "0"]);
}

#[test]
fn a_carried_count_is_given_back_as_well() {
    let (mut lines, _) = held(&World::with_calls("10"), quantity("4"));
    let from = lines[0].place.clone();
    let mut to = from.clone();
    to.key.count_number = 9;
    assert!(!carry(&mut lines, &to.key, time("2026-02-02"), &from));
    // Another period than the one that runs then.
    assert!(!carry(&mut lines, &from.key, time("2026-02-15"), &to));
    assert!(carry(&mut lines, &from.key, time("2026-02-02"), &to));
    let back = given_back(&lines, &keep(&lines, None, quantity("1")));
    assert_eq!(back.used(from.meter_period()), quantity("-3"));
    assert_eq!(back.used(to.meter_period()), quantity("-3"));
    // Who comes back is counted already.
    assert!(!carry(&mut lines, &to.key, time("2026-02-03"), &from));
    assert!(!carry(&mut lines, &from.key, time("2026-02-03"), &to));
    // And once more from there.
    let mut next = to.clone();
    next.key.count_number = 10;
    assert!(carry(&mut lines, &to.key, time("2026-02-03"), &next));
    let mut held = HashMap::new();
    add_held(&mut held, &lines);
    assert_eq!(held.used(next.meter_period()), quantity("4"));
    assert_eq!(held.len(), 3);
}
