//! Random worlds, read from a tape of numbers so that failing ones shrink.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use crate::entitlement::facts::{PlanFeaturePast, ResetAnchor, Scope, Status, Subject};
use crate::entitlement::fixture::*;
use crate::interval::{Interval, Reset, Span};
use crate::period::Time;
use crate::quantity::Quantity;

/// A tape of numbers; zeros after its end.
pub struct Dice {
    tape: Vec<u16>,
    next: usize,
}

impl Dice {
    pub fn new(tape: Vec<u16>) -> Self {
        Self { tape, next: 0 }
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u16) -> u16 {
        let rolled = self.tape.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        rolled % sides
    }

    fn one_in(&mut self, sides: u16) -> bool {
        self.roll(sides) == sides - 1
    }

    pub fn time(&mut self, from: &str, hours: u16) -> Time {
        self.time_after(time(from), hours)
    }

    pub fn time_after(&mut self, from: Time, hours: u16) -> Time {
        from + TimeDelta::hours(i64::from(self.roll(hours)))
    }

    pub fn amount(&mut self) -> Quantity {
        Quantity::from_raw(i128::from(self.roll(4000)) * 10_000_000)
    }

    fn maybe_amount(&mut self) -> Option<Quantity> {
        if self.one_in(4) {
            None
        } else {
            Some(self.amount())
        }
    }

    fn interval(&mut self) -> Interval {
        let intervals = [
            Interval::Monthly,
            Interval::Daily,
            Interval::Weekly,
            Interval::Never,
            Interval::Hourly,
        ];
        intervals[usize::from(self.roll(5))]
    }

    fn anchor(&mut self) -> ResetAnchor {
        if self.one_in(4) {
            ResetAnchor::Calendar
        } else {
            ResetAnchor::Billing
        }
    }
}

pub fn tape() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..160)
}

/// A base plan, an earlier one in its group, and an add-on, each saying something at random.
pub fn world(dice: &mut Dice) -> World {
    let mut world = World::new();
    if dice.one_in(3) {
        world.feature(CALLS).default_value = Some(json!(dice.roll(20)));
    }
    let costs = ["2", "0.3", "0.000000007", "3.333333333"];
    let cost = quantity(costs[usize::from(dice.roll(4))]);
    world.system().costs.insert(CALLS, cost);
    world.plan(100);
    world.plan(101);
    world.addon(102);
    for plan in 100..103 {
        for subject in [Subject::Feature(CALLS), Subject::CreditSystem(CREDITS)] {
            if !dice.one_in(3) {
                entry(&mut world, dice, plan, subject);
            }
        }
    }
    subscriptions(&mut world, dice);
    for number in 300..300 + u128::from(dice.roll(4)) {
        let amount = dice.amount();
        let expires_at = dice.one_in(2).then(|| dice.time("2026-02-01", 4000));
        let priority = i32::from(dice.roll(2));
        let grant = world.grant(number, "0");
        grant.amount = amount;
        grant.expires_at = expires_at;
        grant.priority = priority;
    }
    for number in 400..400 + u128::from(dice.roll(3)) {
        overrule(&mut world, dice, number);
    }
    world.facts.entity_count = 2;
    let added = dice.time("2026-01-05", 2000);
    world.facts.entity_added.insert("a".to_owned(), added);
    world
}

fn entry(world: &mut World, dice: &mut Dice, plan: u128, subject: Subject) {
    let past = PlanFeaturePast {
        valid_until: dice.time("2026-01-10", 2000),
        limit: dice.maybe_amount(),
        reset: Reset::Every(dice.interval()),
        reset_anchor: dice.anchor(),
        rollover: dice.one_in(2),
        rollover_limit: dice.maybe_amount(),
    };
    let entry = world.entry(plan, subject);
    entry.enabled = !dice.one_in(8);
    entry.limit = dice.maybe_amount();
    entry.reset = Reset::Every(dice.interval());
    entry.reset_anchor = dice.anchor();
    entry.rollover = dice.one_in(2);
    entry.rollover_limit = dice.maybe_amount();
    if dice.one_in(2) {
        entry.rollover_expires_after = Span::from_days(i64::from(dice.roll(50)) + 1);
    }
    if dice.one_in(4) {
        entry.scope = Scope::Entity;
    }
    if dice.one_in(4) {
        entry.overage_charged = true;
        entry.overage_limit = dice.maybe_amount();
    }
    if dice.one_in(8) {
        entry.usage_based = true;
        entry.limit = None;
    }
    entry.trial_limit = dice.one_in(3).then(|| dice.amount());
    if dice.one_in(3) {
        entry.history = vec![past];
    }
}

fn subscriptions(world: &mut World, dice: &mut Dice) {
    let switched = dice.time("2026-02-01", 2000);
    if dice.one_in(2) {
        world.subscribe(200, 100, "2026-01-10");
        let old = world.subscription(200);
        old.status = Status::Canceled;
        old.ended_at = Some(switched);
        world.subscribe(201, 101, "2026-01-10").started_at = switched;
    } else if !dice.one_in(4) {
        world.subscribe(200, 100, "2026-01-10");
    }
    if dice.one_in(2) {
        world.subscribe(202, 102, "2026-01-20");
    }
    for subscription in &mut world.facts.subscriptions {
        if subscription.status != Status::Active {
            continue;
        }
        if dice.one_in(4) {
            subscription.status = Status::Trialing;
            subscription.trial_ends_at = Some(time("2027-01-01"));
        } else if dice.one_in(6) {
            subscription.status = Status::PastDue;
            subscription.past_due_since = Some(time("2026-03-01"));
        }
    }
}

fn overrule(world: &mut World, dice: &mut Dice, number: u128) {
    let subscription = [None, Some(id(200)), Some(id(202))][usize::from(dice.roll(3))];
    let enabled = [None, Some(true), Some(false)][usize::from(dice.roll(3))];
    let usage_limit = dice.one_in(2).then(|| dice.amount());
    let expires_at = dice.one_in(2).then(|| dice.time("2026-02-01", 2000));
    let unlimited = dice.one_in(6);
    let held = world.overrule(number, CALLS);
    held.subscription_id = subscription;
    held.enabled = enabled;
    held.usage_limit = usage_limit;
    held.expires_at = expires_at;
    held.unlimited = unlimited;
}
