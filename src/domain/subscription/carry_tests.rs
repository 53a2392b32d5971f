//! Where usage goes at a switch.

use super::*;
use crate::entitlement::facts::{ResetAnchor, Scope, Subject};
use crate::interval::{Cadence, Interval, Reset};
use crate::meter_key::MeterSource;
use crate::quantity::Quantity;
use crate::subscription::fixture::{GROUP, attach, facts, id, plan, time};
use crate::subscription::lineage::counted_before;

const FEATURE: Subject = Subject::Feature(uuid::Uuid::from_u128(500));

pub fn feature(plan: u128, reset: Reset) -> PlanFeature {
    PlanFeature {
        id: id(600 + plan),
        plan_id: id(plan),
        subject: FEATURE,
        enabled: true,
        value: None,
        limit: Some(Quantity::from_int(100)),
        trial_limit: None,
        scope: Scope::Customer,
        reset,
        reset_anchor: ResetAnchor::Billing,
        reset_on_enable: false,
        rollover: false,
        rollover_limit: None,
        rollover_expires_after: None,
        usage_based: false,
        overage_charged: false,
        overage_limit: None,
        credit_cost: None,
        pricing: serde_json::Value::Null,
        created_at: time("2025-01-01"),
        history: Vec::new(),
    }
}

/// From a free plan since the first of April to a paid one in the middle of the month.
fn switched(new_reset: Option<Reset>) -> (Facts, Subscription, Subscription) {
    let (free, pro) = (plan(10, 0), plan(11, 2_000));
    let mut facts = facts(&[free.clone(), pro.clone()]);
    facts
        .plan_features
        .push(feature(10, Reset::Every(Interval::Monthly)));
    facts
        .plan_features
        .extend(new_reset.map(|reset| feature(11, reset)));
    attach(&mut facts, 1000, &free, None, time("2025-04-01"));
    attach(&mut facts, 1001, &pro, None, time("2025-04-16"));
    let rows = facts.subscriptions.clone();
    (facts, rows[0].clone(), rows[1].clone())
}

fn key(anchor: Anchor) -> MeterKey {
    MeterKey {
        customer_id: id(1),
        entity: None,
        subject: FEATURE,
        source: MeterSource::Group(GROUP),
        cadence: Cadence::every(Interval::Monthly),
        anchor,
        count_number: 1,
        origin: None,
    }
}

fn april() -> MeterKey {
    key(Anchor::At(time("2025-04-01")))
}

#[test]
fn a_new_anchor_takes_the_usage_with_it() {
    let (facts, from, to) = switched(Some(Reset::Every(Interval::Monthly)));
    let at = time("2025-04-16");
    let place = carry(&facts, &from, &to, &april(), at).unwrap();
    assert_eq!(place.key, key(Anchor::At(at)));
    assert_eq!(place.period.number, 0);
    assert_eq!(place.period.end, Some(time("2025-05-16")));
}

#[test]
fn another_interval_takes_the_usage_with_it() {
    let (facts, from, to) = switched(Some(Reset::Every(Interval::Daily)));
    let at = time("2025-04-16");
    let place = carry(&facts, &from, &to, &april(), at).unwrap();
    assert_eq!(place.key.cadence, Cadence::every(Interval::Daily));
}

#[test]
fn a_subject_that_the_new_plan_lacks_is_kept_for_the_plan_after_it() {
    let (facts, from, to) = switched(None);
    let at = time("2025-04-16");
    let place = carry(&facts, &from, &to, &april(), at).unwrap();
    assert_eq!(place.key, key(Anchor::At(at)));
}

#[test]
fn the_same_meter_needs_no_carrying() {
    let (facts, from, mut to) = switched(Some(Reset::Every(Interval::Monthly)));
    to.anchor_at = from.anchor_at;
    assert_eq!(
        carry(&facts, &from, &to, &april(), time("2025-04-16")),
        None
    );
}

#[test]
fn a_fresh_count_takes_nothing_with_it() {
    let (facts, from, mut to) = switched(Some(Reset::Every(Interval::Monthly)));
    to.count_number = 2;
    assert_eq!(
        carry(&facts, &from, &to, &april(), time("2025-04-16")),
        None
    );
}

#[test]
fn meters_of_an_earlier_anchor_are_left_alone() {
    let (facts, from, to) = switched(Some(Reset::Every(Interval::Monthly)));
    let old = key(Anchor::At(time("2025-03-20")));
    assert_eq!(carry(&facts, &from, &to, &old, time("2025-04-16")), None);
}

#[test]
fn meters_of_another_rhythm_are_left_alone() {
    let (facts, from, to) = switched(Some(Reset::Every(Interval::Monthly)));
    let yearly = MeterKey {
        cadence: Cadence::every(Interval::Yearly),
        ..april()
    };
    assert_eq!(carry(&facts, &from, &to, &yearly, time("2025-04-16")), None);
}

#[test]
fn a_calendar_month_goes_on() {
    let (mut facts, from, to) = switched(Some(Reset::Every(Interval::Monthly)));
    for feature in &mut facts.plan_features {
        feature.reset_anchor = ResetAnchor::Calendar;
    }
    let calendar = key(Anchor::Calendar);
    assert_eq!(
        carry(&facts, &from, &to, &calendar, time("2025-04-16")),
        None
    );
}

/// Plans that follow each other in one moment, then one that begins an hour later.
fn in_one_moment() -> Facts {
    let plans: Vec<_> = (10..14).map(|number| plan(number, 0)).collect();
    let mut facts = facts(&plans);
    attach(&mut facts, 1000, &plans[0], None, time("2025-04-01"));
    for (row, plan) in [(1009, 1), (1003, 2), (1005, 3)] {
        attach(&mut facts, row, &plans[plan], None, time("2025-04-16"));
    }
    facts
}

#[test]
fn usage_comes_from_the_one_whose_place_was_taken() {
    let facts = in_one_moment();
    let from = |row: usize| counted_before(&facts, &facts.subscriptions[row]).map(|one| one.id);
    let found: Vec<_> = (0..4).map(from).collect();
    assert_eq!(
        found,
        [None, Some(id(1000)), Some(id(1009)), Some(id(1003))]
    );
}

#[test]
fn who_comes_back_goes_on_from_the_last_that_nobody_followed() {
    let mut facts = in_one_moment();
    let last = facts.subscriptions.last_mut().unwrap();
    last.status = crate::entitlement::facts::Status::Canceled;
    last.ended_at = Some(time("2025-04-16"));
    assert_eq!(facts.latest_former_base(GROUP).unwrap().id, id(1005));
    attach(&mut facts, 1001, &plan(10, 0), None, time("2025-04-17"));
    let back = facts.subscriptions.last().unwrap();
    assert_eq!(back.follows, None);
    assert_eq!(counted_before(&facts, back).unwrap().id, id(1005));
}

#[test]
fn what_began_in_one_moment_is_carried_in_the_order_of_succession() {
    let mut begun = in_one_moment().subscriptions;
    begun.sort_by_key(|one| one.id);
    put_in_succession(&mut begun);
    let order: Vec<_> = begun.iter().map(|one| one.id).collect();
    assert_eq!(order, [id(1000), id(1009), id(1003), id(1005)]);
    // Also where rows say that they follow each other in a circle.
    begun[1].follows = Some(id(1005));
    put_in_succession(&mut begun);
    assert_eq!(begun.len(), 4);
}
