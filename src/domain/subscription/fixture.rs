//! Customers, plans and subscriptions for the unit tests of this folder and of `switch`.

use super::open::{Opening, Origin};
use super::terms::Terms;
use crate::entitlement::facts::{Facts, Plan, PlanChange, PlanCycle};
use crate::interval::{Cadence, Interval};
use crate::period::Time;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The exclusive group of `plan`.
pub const GROUP: Uuid = Uuid::from_u128(100);

pub fn time(text: &str) -> Time {
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    full.parse().unwrap()
}

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn facts(plans: &[Plan]) -> Facts {
    Facts {
        customer_id: id(1),
        customer_created_at: time("2025-01-01"),
        zone: chrono_tz::UTC,
        grace_days: 7,
        subscriptions: Vec::new(),
        plan_changes: Vec::new(),
        plans: plans.iter().map(|plan| (plan.id, plan.clone())).collect(),
        plan_features: Vec::new(),
        overrides: Vec::new(),
        grants: Vec::new(),
        features: BTreeMap::new(),
        credit_systems: BTreeMap::new(),
        has_payment_method: false,
        entity_count: 0,
        entity_added: BTreeMap::new(),
    }
}

/// A monthly plan of the exclusive group.
pub fn plan(number: u128, price: i64) -> Plan {
    Plan {
        id: id(number),
        slug: format!("plan{number}"),
        group_id: GROUP,
        exclusive: true,
        rank: None,
        price,
        currency: (price > 0).then(|| "USD".to_owned()),
        cadence: Cadence::every(Interval::Monthly),
        one_time: false,
        trial_days: 0,
        trial_card_required: false,
        auto_enable: false,
        is_addon: false,
        active: true,
        on_expire: None,
        cycles: Vec::new(),
    }
}

pub fn cycle(key: &str, price: i64, interval: Interval) -> PlanCycle {
    PlanCycle {
        key: key.to_owned(),
        price,
        currency: Some("USD".to_owned()),
        cadence: Cadence::every(interval),
        external_id: None,
    }
}

/// Begins a subscription to the plan, in place of the live one of its group.
pub fn attach(facts: &mut Facts, row: u128, plan: &Plan, trial_ends_at: Option<Time>, at: Time) {
    let terms = Terms::of_plan(plan);
    let from = facts.live_base(terms.group_id).filter(|_| terms.base);
    let origin = match from {
        Some(from) => Origin::Switch {
            from,
            paid_upgrade: false,
        },
        None => Origin::Nothing,
    };
    let ended = from.map(|one| one.id);
    let opened = Opening {
        id: id(row),
        terms: &terms,
        origin,
        trial_ends_at,
        at,
    }
    .open(facts);
    for one in &mut facts.subscriptions {
        if Some(one.id) == ended {
            one.status = crate::entitlement::facts::Status::Canceled;
            one.ended_at = Some(at);
        }
    }
    facts.subscriptions.push(opened);
}

pub fn schedule(facts: &mut Facts, change: u128, row: u128, to: &Plan, at: Time) {
    facts.plan_changes.push(PlanChange {
        id: id(change),
        subscription_id: id(row),
        to_plan_id: to.id,
        effective_at: at,
        cycle_key: None,
        price: to.price,
        currency: to.currency.clone(),
        cadence: to.cadence,
        one_time: to.one_time,
    });
}
