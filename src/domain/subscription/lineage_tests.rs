//! Used units count once, whichever meters they were carried over.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::entitlement::facts::{ResetAnchor, Subject};
use crate::interval::{Interval, Reset};
use crate::period::Period;
use crate::subscription::carry::tests::feature;
use crate::subscription::fixture::{attach, facts, id, plan, time};
use crate::subscription::sharing::Sharing;

const FEATURE: Subject = Subject::Feature(uuid::Uuid::from_u128(500));

/// A place, what its rows say, and which draws it ought to count.
struct Row {
    key: MeterKey,
    period: Period,
    counted: Counted,
    draws: BTreeSet<usize>,
}

/// A customer who switches among plans of one price, and so of one anchor.
struct World {
    facts: Facts,
    rows: Vec<Row>,
    amounts: Vec<i64>,
    next: u128,
}

impl World {
    /// Plans 10, 11 and so on; those without a reset lack the feature.
    fn new(resets: &[Option<Reset>]) -> Self {
        let numbers = || (10_u128..).zip(resets);
        let plans: Vec<_> = numbers().map(|(number, _)| plan(number, 900)).collect();
        let mut facts = facts(&plans);
        let features = numbers().filter_map(|(number, reset)| Some(feature(number, (*reset)?)));
        facts.plan_features = features.collect();
        let mut world = Self {
            facts,
            rows: Vec::new(),
            amounts: Vec::new(),
            next: 1_000,
        };
        world.switch(10, time("2025-04-01"));
        world
    }

    fn live(&self) -> &Subscription {
        self.facts.subscriptions.last().unwrap()
    }

    /// As `flow/carry` does it.
    fn switch(&mut self, number: u128, at: Time) {
        let plan = self.facts.plans[&id(number)].clone();
        attach(&mut self.facts, self.next, &plan, None, at);
        self.next += 1;
        self.carry(at);
    }

    /// As a provider does it.
    fn move_anchor(&mut self, anchor: Time, at: Time) {
        let row = self.facts.subscriptions.last_mut().unwrap();
        let before = row.clone();
        row.anchor_at = anchor;
        row.note_move(&before, at);
        if row.starts() != before.starts() {
            self.carry(at);
        }
    }

    fn carry(&mut self, at: Time) {
        let to = self.live();
        let Some(from) = used_before(&self.facts, to) else {
            return;
        };
        let running = self.rows.iter().filter(|row| row.period.contains(at));
        let keys: Vec<MeterKey> = running.map(|row| row.key.clone()).collect();
        let lineage = Lineage::of(&self.facts, from, &keys);
        let carried = keys.iter().filter_map(|key| {
            let place = carry(&self.facts, from, to, key, at)?;
            Some((Move::new(&self.facts, key, &place, at), place))
        });
        let (moves, mut places): (Vec<Move>, Vec<Place>) = carried.unzip();
        places.dedup();
        for place in places {
            let to = self.row(place);
            let name = self.name(to);
            let sources = moves.iter().filter(|one| one.to == name);
            let sources: Vec<usize> = sources.map(|one| self.find(one.from).unwrap()).collect();
            let missing = match lineage.merge(&moves, name) {
                Some(merge) => merge.missing(|place| {
                    let found = self.find(place);
                    found.map(|row| self.rows[row].counted).unwrap_or_default()
                }),
                None => sum(sources.iter().map(|row| self.rows[*row].counted.used)),
            };
            for source in sources {
                let draws = self.rows[source].draws.clone();
                self.rows[to].draws.extend(draws);
            }
            let counted = &mut self.rows[to].counted;
            counted.used = sum([counted.used, missing]);
            counted.carried = sum([counted.carried, missing]);
        }
    }

    /// Draws, or gives back, on the meter that counts then.
    fn draw(&mut self, amount: i64, at: Time) {
        let asked = MeterKey {
            customer_id: self.facts.customer_id,
            entity: None,
            subject: FEATURE,
            source: crate::meter_key::MeterSource::Group(self.live().group_id),
            cadence: self.live().cadence,
            anchor: crate::period::Anchor::Calendar,
            count_number: 1,
            origin: None,
        };
        if let Some(place) = own_place(&self.facts, self.live(), &asked, at) {
            let row = self.row(place);
            self.draw_from(row, amount);
        }
    }

    /// Gives back as much of an amount as may be.
    fn give_back(&mut self, row: usize, amount: i64) {
        let keys: Vec<MeterKey> = self.rows.iter().map(|row| row.key.clone()).collect();
        let lineage = Lineage::of(&self.facts, self.live(), &keys);
        let used = self.rows[row].counted.used;
        let most = Sharing::of(&lineage, self.name(row)).map_or(used, |sharing| {
            let counted = |place| self.find(place).map(|row| self.rows[row].counted);
            let counted = |place| counted(place).unwrap_or_default();
            used.min(sharing.most(counted, |_| Quantity::ZERO))
        });
        let amount = Quantity::from_int(amount).min(most);
        let unit = Quantity::from_int(1).raw();
        self.draw_from(row, -i64::try_from(amount.raw() / unit).unwrap());
    }

    fn draw_from(&mut self, row: usize, amount: i64) {
        let used = sum([self.rows[row].counted.used, Quantity::from_int(amount)]);
        if !used.is_negative() {
            self.rows[row].counted.used = used;
            self.rows[row].draws.insert(self.amounts.len());
            self.amounts.push(amount);
        }
    }

    fn name(&self, row: usize) -> MeterPeriod {
        self.rows[row].key.in_period(self.rows[row].period.number)
    }

    fn find(&self, place: MeterPeriod) -> Option<usize> {
        (0..self.rows.len()).find(|row| self.name(*row) == place)
    }

    fn row(&mut self, place: Place) -> usize {
        let name = place.key.in_period(place.period.number);
        self.find(name).unwrap_or_else(|| {
            self.rows.push(Row {
                key: place.key,
                period: place.period,
                counted: Counted::default(),
                draws: BTreeSet::new(),
            });
            self.rows.len() - 1
        })
    }

    /// For each place what it counts, and what it ought to.
    fn counts(&self) -> Vec<(i64, i64)> {
        let ought = |row: &Row| row.draws.iter().map(|draw| self.amounts[*draw]).sum();
        let unit = Quantity::from_int(1).raw();
        let is = |row: &Row| i64::try_from(row.counted.used.raw() / unit).unwrap();
        self.rows.iter().map(|row| (is(row), ought(row))).collect()
    }
}

fn sum(amounts: impl IntoIterator<Item = Quantity>) -> Quantity {
    Quantity::checked_sum(amounts).unwrap()
}

const MONTH: Option<Reset> = Some(Reset::Every(Interval::Monthly));
const WEEK: Option<Reset> = Some(Reset::Every(Interval::Weekly));
const DAY: Option<Reset> = Some(Reset::Every(Interval::Daily));

fn day(number: i64) -> Time {
    time("2025-04-01") + TimeDelta::days(number)
}

#[test]
fn a_meter_taken_up_again_counts_used_units_once() {
    let mut world = World::new(&[MONTH, WEEK]);
    world.draw(5, day(0));
    world.switch(11, day(1));
    world.draw(2, day(1));
    world.switch(10, day(2));
    assert_eq!(world.counts(), [(7, 7), (7, 7)]);
    world.draw(1, day(2));
    world.switch(11, day(3));
    world.draw(1, day(3));
    // The week has ended: nothing of it is carried.
    world.switch(10, day(8));
    assert_eq!(world.counts(), [(8, 8), (9, 9)]);
    // Taken up once more, all that was drawn in the month counts: also the last unit of that week.
    world.switch(11, day(9));
    world.draw(3, day(9));
    world.switch(10, day(10));
    assert_eq!(world.counts(), [(12, 11), (9, 9), (12, 11)]);
}

#[test]
fn what_was_given_back_elsewhere_is_given_back_here() {
    let mut world = World::new(&[MONTH, WEEK]);
    world.draw(5, day(0));
    world.switch(11, day(1));
    world.draw(-4, day(1));
    world.switch(10, day(2));
    assert_eq!(world.counts(), [(1, 1), (1, 1)]);
}

#[test]
fn meters_that_a_plan_leaves_running_come_together_once() {
    let mut world = World::new(&[MONTH, WEEK, None, DAY]);
    world.draw(5, day(0));
    world.switch(11, day(1));
    world.draw(2, day(1));
    world.switch(12, day(2));
    world.switch(13, day(2));
    assert_eq!(world.counts(), [(5, 5), (7, 7), (7, 7)]);
}

#[test]
fn what_no_row_tells_of_stays_counted() {
    let mut world = World::new(&[MONTH, WEEK]);
    world.draw(5, day(0));
    // As where a provider had moved the anchor: from a meter that is named nowhere.
    world.rows[0].counted.used = Quantity::from_int(9);
    world.rows[0].counted.carried = Quantity::from_int(4);
    world.switch(11, day(1));
    world.draw(2, day(1));
    world.switch(10, day(2));
    assert_eq!(world.counts()[0], (11, 7));
}

/// What happens next, how many hours later, and how much or to which plan.
fn events() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
    prop::collection::vec((0..6_u8, 0..60_i64, 0..40_i64), 1..40)
}

fn resets() -> impl Strategy<Value = Vec<Option<Reset>>> {
    let reset = prop_oneof![
        2 => Just(MONTH),
        2 => Just(WEEK),
        2 => Just(DAY),
        1 => Just(Some(Reset::Every(Interval::Never))),
        1 => Just(None),
    ];
    prop::collection::vec(reset, 2..5)
}

fn play(
    resets: &[Option<Reset>],
    calendar: u8,
    events: &[(u8, i64, i64)],
    late: bool,
    bounded: bool,
) -> World {
    let mut world = World::new(resets);
    for (index, feature) in world.facts.plan_features.iter_mut().enumerate() {
        if calendar >> index & 1 == 1 {
            feature.reset_anchor = ResetAnchor::Calendar;
        }
    }
    let mut at = time("2025-04-01");
    for (kind, hours, number) in events {
        at += TimeDelta::hours(*hours);
        let rows = i64::try_from(world.rows.len()).unwrap();
        match kind {
            0 | 1 => world.switch(
                10 + number.unsigned_abs() as u128 % resets.len() as u128,
                at,
            ),
            2 if bounded => {
                if rows > 0 {
                    world.give_back(usize::try_from(number % rows).unwrap(), *number);
                }
            }
            2 => world.draw(-number, at),
            5 if number % 3 == 0 => world.move_anchor(at - TimeDelta::hours(number % 8), at),
            5 if number % 3 == 1 => world.move_anchor(time("2025-04-01"), at),
            3 if late && rows > 0 => world.draw_from(usize::try_from(number % rows).unwrap(), 7),
            _ => world.draw(*number, at),
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    // Where all periods last, no draw can have been left behind in one that has ended; and where each
    // plan has the feature, one meter at a time goes on.
    #[test]
    fn every_draw_is_in_a_count_once(
        resets in resets(), calendar in 0..4_u8, events in events(),
    ) {
        let resets: Vec<_> = resets.into_iter().filter(Option::is_some).collect();
        prop_assume!(!resets.is_empty());
        let events: Vec<_> = events.iter().map(|(kind, _, number)| (*kind, 0, *number)).collect();
        for (is, ought) in play(&resets, calendar, &events, false, false).counts() {
            prop_assert_eq!(is, ought);
        }
    }

    #[test]
    fn no_draw_is_forgotten_and_none_counted_twice(
        resets in resets(), calendar in 0..4_u8, events in events(), late in any::<bool>(),
    ) {
        let world = play(&resets, calendar, &events, late, false);
        let drawn: i64 = world.amounts.iter().filter(|amount| **amount > 0).sum();
        // What was given back elsewhere of units that are counted here may be given back here, too.
        let returned: i64 = world.amounts.iter().filter(|amount| **amount < 0).sum();
        for (is, ought) in world.counts() {
            prop_assert!(ought + returned <= is && is <= drawn, "{ought} {is} {drawn} {returned}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_unit_is_given_back_twice(
        resets in resets(), calendar in 0..4_u8, events in events(), late in any::<bool>(),
    ) {
        let world = play(&resets, calendar, &events, late, true);
        prop_assert!(world.amounts.iter().sum::<i64>() >= 0);
        for (is, _) in world.counts() {
            prop_assert!(is >= 0, "{is}");
        }
    }
}

#[test]
fn an_anchor_that_goes_away_and_comes_back_counts_used_units_once() {
    let mut world = World::new(&[MONTH]);
    world.draw(5, day(0));
    world.move_anchor(day(2), day(3));
    assert_eq!(world.counts(), [(5, 5), (5, 5)]);
    world.draw(2, day(4));
    world.move_anchor(day(0), day(5));
    assert_eq!(world.counts(), [(7, 7), (7, 7)]);
    world.draw(1, day(6));
    // And once more, in one moment.
    world.move_anchor(day(2), day(6));
    world.move_anchor(day(0), day(6));
    assert_eq!(world.counts(), [(8, 8), (8, 8)]);
    world.switch(10, day(7));
    assert_eq!(world.counts(), [(8, 8), (8, 8)]);
}

#[test]
fn what_was_used_before_a_renewal_on_other_days_stays_behind() {
    let mut world = World::new(&[MONTH]);
    world.draw(5, day(0));
    let row = world.facts.subscriptions.last_mut().unwrap();
    let before = row.clone();
    row.anchor_at = day(28);
    assert!(row.note_move(&before, day(28)));
    row.note_renewal();
    world.draw(2, day(29));
    world.move_anchor(day(30), day(30));
    assert_eq!(world.counts(), [(5, 5), (2, 2), (2, 2)]);
    world.switch(10, day(30));
    let last = world.counts().pop();
    assert_eq!(last, Some((2, 2)));
}

#[test]
fn what_was_given_back_where_it_went_is_gone_where_it_came_from() {
    let mut world = World::new(&[MONTH, WEEK, DAY]);
    world.draw(5, day(0));
    world.switch(11, day(1));
    world.give_back(1, 3);
    world.give_back(0, 3);
    assert_eq!(world.counts(), [(3, 3), (2, 2)]);
    world.draw(4, day(1));
    world.switch(12, day(1));
    assert_eq!(world.counts()[2], (6, 6));
    // Of five and four five are gone; three were drawn late.
    world.draw_from(0, 3);
    world.give_back(0, 9);
    world.give_back(1, 9);
    world.give_back(2, 9);
    assert_eq!(world.amounts.iter().sum::<i64>(), 0);
}

#[test]
fn of_several_ends_in_one_moment_the_row_says_which_was_last() {
    let mut world = World::new(&[MONTH, WEEK]);
    world.switch(11, day(3));
    world.switch(10, day(3));
    world.switch(11, day(3));
    let rows = world.facts.subscriptions.iter().map(|one| {
        let before = counted_before(&world.facts, one);
        assert_eq!(before.map(|before| before.id), one.follows);
    });
    assert_eq!(rows.count(), 4);
}
