//! What dates do, rule by rule, and that it does not matter how often they are asked.

use super::*;
use crate::entitlement::facts::Plan;
use crate::interval::{Cadence, Interval};
use crate::subscription::fixture::{GROUP, attach, facts, id, plan, schedule, time};
use proptest::prelude::*;

fn row(facts: &Facts, number: u128) -> &Subscription {
    facts
        .subscriptions
        .iter()
        .find(|one| one.id == id(number))
        .unwrap()
}

fn words(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.change.event_type()).collect()
}

fn trial(price: i64) -> (Facts, Plan) {
    let pro = plan(10, price);
    let mut facts = facts(std::slice::from_ref(&pro));
    let start = time("2025-03-01");
    attach(&mut facts, 1000, &pro, Some(time("2025-03-15")), start);
    (facts, pro)
}

#[test]
fn a_long_sleep_is_one_renewal_to_the_running_period() {
    let pro = plan(10, 2_000);
    let mut facts = facts(std::slice::from_ref(&pro));
    attach(&mut facts, 1000, &pro, None, time("2025-01-31"));
    assert_eq!(row(&facts, 1000).period_end, Some(time("2025-02-28")));
    let steps = advance(&mut facts, time("2026-03-30"));
    assert_eq!(words(&steps), ["subscription.renewed"]);
    let after = row(&facts, 1000);
    assert_eq!(after.period_start, Some(time("2026-02-28")));
    assert_eq!(after.period_end, Some(time("2026-03-31")));
    assert!(advance(&mut facts, time("2026-03-30")).is_empty());
}

#[test]
fn a_boundary_that_equals_the_moment_is_reached() {
    let pro = plan(10, 2_000);
    let mut facts = facts(std::slice::from_ref(&pro));
    attach(&mut facts, 1000, &pro, None, time("2025-01-10"));
    assert!(advance(&mut facts, time("2025-02-09T23:59:59.999999Z")).is_empty());
    assert_eq!(advance(&mut facts, time("2025-02-10")).len(), 1);
    assert_eq!(next_due(&facts), Some(time("2025-03-10")));
}

#[test]
fn a_trial_without_payment_method_expires() {
    let (mut facts, _) = trial(2_000);
    let steps = advance(&mut facts, time("2025-03-20"));
    assert_eq!(words(&steps), ["subscription.expired"]);
    assert_eq!(row(&facts, 1000).status, Status::Expired);
    assert_eq!(row(&facts, 1000).ended_at, Some(time("2025-03-15")));
}

#[test]
fn a_trial_with_payment_method_goes_on_with_a_fresh_count_from_its_end() {
    let (mut facts, _) = trial(2_000);
    facts.has_payment_method = true;
    let steps = advance(&mut facts, time("2025-03-20"));
    assert_eq!(words(&steps), ["subscription.activated"]);
    let after = row(&facts, 1000);
    assert_eq!(after.status, Status::Active);
    assert_eq!(after.anchor_at, time("2025-03-15"));
    assert_eq!(after.count_number, 2);
    assert_eq!(after.period_end, Some(time("2025-04-15")));
}

#[test]
fn a_trial_of_a_free_plan_goes_on() {
    let (mut facts, _) = trial(0);
    assert_eq!(
        words(&advance(&mut facts, time("2025-03-15"))),
        ["subscription.activated"]
    );
}

#[test]
fn an_expired_trial_is_followed_by_the_plan_it_names_else_by_the_default() {
    let (mut base, mut pro) = trial(2_000);
    let mut default = plan(11, 0);
    default.auto_enable = true;
    let named = plan(12, 0);
    for one in [&default, &named] {
        base.plans.insert(one.id, one.clone());
    }
    let mut facts = base.clone();
    advance(&mut facts, time("2025-03-15"));
    let live = facts.live_base(GROUP).unwrap();
    assert_eq!(live.plan_id, default.id);
    assert_eq!(live.id, derived(id(1000), "follow"));
    // A free return goes on with the group's count.
    assert_eq!(live.anchor_at, time("2025-03-01"));
    assert_eq!(live.count_number, 1);
    assert_eq!(live.period_end, Some(time("2025-04-01")));

    pro.on_expire = Some(named.id);
    base.plans.insert(pro.id, pro);
    advance(&mut base, time("2025-03-15"));
    assert_eq!(base.live_base(GROUP).unwrap().plan_id, named.id);
}

#[test]
fn a_paid_follower_waits_for_its_checkout() {
    let (mut facts, mut pro) = trial(2_000);
    let paid = plan(12, 500);
    pro.on_expire = Some(paid.id);
    facts.plans.insert(pro.id, pro);
    facts.plans.insert(paid.id, paid);
    advance(&mut facts, time("2025-03-15"));
    assert!(facts.live_base(GROUP).is_none());
    assert_eq!(facts.subscriptions[1].status, Status::Incomplete);
}

#[test]
fn a_cancellation_attaches_nothing_and_wins_over_the_end_of_the_trial() {
    let (mut facts, _) = trial(2_000);
    let mut default = plan(11, 0);
    default.auto_enable = true;
    facts.plans.insert(default.id, default);
    facts.subscriptions[0].cancel_at = Some(time("2025-03-15"));
    assert_eq!(
        words(&advance(&mut facts, time("2025-03-15"))),
        ["subscription.canceled"]
    );
    assert!(facts.live_base(GROUP).is_none());
}

#[test]
fn a_scheduled_change_ends_the_old_and_begins_the_new_with_the_same_anchor() {
    let (pro, small) = (plan(10, 2_000), plan(11, 500));
    let mut facts = facts(&[pro.clone(), small.clone()]);
    attach(&mut facts, 1000, &pro, None, time("2025-01-31"));
    schedule(&mut facts, 50, 1000, &small, time("2025-02-28"));
    let steps = advance(&mut facts, time("2025-02-28"));
    assert_eq!(words(&steps), ["subscription.changed"]);
    assert_eq!(row(&facts, 1000).status, Status::Canceled);
    let live = facts.live_base(GROUP).unwrap();
    assert_eq!(live.id, derived(id(50), "subscription"));
    assert_eq!(live.anchor_at, time("2025-01-31"));
    assert_eq!(live.period_end, Some(time("2025-03-31")));
    assert!(facts.plan_changes.is_empty());
}

#[test]
fn a_change_at_the_end_of_an_unpaid_trial_costs_nothing_or_does_not_happen() {
    for (price, expected) in [(0, Some(id(11))), (500, None)] {
        let (mut facts, _) = trial(2_000);
        let small = plan(11, price);
        facts.plans.insert(small.id, small.clone());
        schedule(&mut facts, 50, 1000, &small, time("2025-03-15"));
        advance(&mut facts, time("2025-03-15"));
        assert_eq!(facts.live_base(GROUP).map(|one| one.plan_id), expected);
    }
}

#[test]
fn a_paused_one_does_not_renew_but_ends_by_date() {
    let pro = plan(10, 2_000);
    let mut facts = facts(std::slice::from_ref(&pro));
    attach(&mut facts, 1000, &pro, None, time("2025-01-01"));
    facts.subscriptions[0].status = Status::Paused;
    facts.subscriptions[0].paused_at = Some(time("2025-01-05"));
    assert!(advance(&mut facts, time("2025-06-01")).is_empty());
    facts.subscriptions[0].cancel_at = Some(time("2025-06-02"));
    assert_eq!(advance(&mut facts, time("2025-06-02")).len(), 1);
}

#[test]
fn one_time_plans_have_no_end() {
    let mut once = plan(10, 9_900);
    once.one_time = true;
    let mut facts = facts(std::slice::from_ref(&once));
    attach(&mut facts, 1000, &once, None, time("2025-01-01"));
    assert_eq!(row(&facts, 1000).period_end, None);
    assert_eq!(next_due(&facts), None);
    assert!(advance(&mut facts, time("2035-01-01")).is_empty());
}

/// Something that a customer does between two moments.
#[derive(Debug, Clone)]
enum Act {
    Attach { plan: usize, trial_days: i64 },
    Schedule { plan: usize },
    Cancel,
    Pause,
    Resume,
    Card(bool),
}

fn acts() -> impl Strategy<Value = Vec<(u32, Act)>> {
    let act = prop_oneof![
        3 => (0..4_usize, 0..20_i64).prop_map(|(plan, trial_days)| Act::Attach { plan, trial_days }),
        2 => (0..4_usize).prop_map(|plan| Act::Schedule { plan }),
        1 => Just(Act::Cancel),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
        1 => any::<bool>().prop_map(Act::Card),
    ];
    proptest::collection::vec((0..90_u32, act), 1..12)
}

fn catalog() -> Vec<Plan> {
    let mut plans = vec![
        plan(10, 0),
        plan(11, 500),
        plan(12, 2_000),
        plan(13, 20_000),
    ];
    plans[0].auto_enable = true;
    plans[3].cadence = Cadence::every(Interval::Yearly);
    plans[1].cadence = Cadence::every(Interval::Weekly);
    plans
}

fn perform(facts: &mut Facts, number: u128, act: &Act, at: Time) {
    let plans = catalog();
    let live = facts.live_base(GROUP).cloned();
    match act {
        Act::Attach { plan, trial_days } => {
            if live
                .as_ref()
                .is_some_and(|one| one.plan_id == plans[*plan].id)
            {
                return;
            }
            let end = (*trial_days > 10).then(|| at + chrono::TimeDelta::days(*trial_days));
            facts
                .plan_changes
                .retain(|one| Some(one.subscription_id) != live.as_ref().map(|row| row.id));
            attach(facts, 1000 + number, &plans[*plan], end, at);
        }
        Act::Schedule { plan } => {
            if let Some(row) = live
                && let Some(end) = row.period_end
                && end > at
            {
                facts.plan_changes.clear();
                facts.plan_changes.push(PlanChange {
                    id: id(5000 + number),
                    subscription_id: row.id,
                    to_plan_id: plans[*plan].id,
                    effective_at: end,
                    cycle_key: None,
                    price: plans[*plan].price,
                    currency: None,
                    cadence: plans[*plan].cadence,
                    one_time: false,
                });
            }
        }
        Act::Card(stored) => facts.has_payment_method = *stored,
        Act::Cancel | Act::Pause | Act::Resume => {
            let Some(row) = live else { return };
            let found = find(facts, row.id).unwrap();
            let trial = found.is_in_trial();
            match (act, found.status) {
                (Act::Cancel, _) => found.cancel_at = found.period_end,
                (Act::Pause, _) => found.status = Status::Paused,
                (Act::Resume, Status::Paused) if trial => found.status = Status::Trialing,
                (Act::Resume, Status::Paused) => found.status = Status::Active,
                _ => {}
            }
        }
    }
}

/// Rows in an order of their own, for comparison.
fn rows(facts: &Facts) -> Vec<Subscription> {
    let mut rows = facts.subscriptions.clone();
    rows.sort_by_key(|one| one.id);
    rows
}

fn days(facts: &Facts, count: u32) -> Time {
    facts.customer_created_at + chrono::TimeDelta::days(i64::from(count))
}

proptest! {
    #[test]
    fn many_short_advances_equal_one_long_one(
        acts in acts(),
        mut stops in proptest::collection::vec(0_u32..2_000, 0..20),
    ) {
        let mut once = facts(&catalog());
        let mut day = 0;
        for (number, (wait, act)) in acts.iter().enumerate() {
            day += wait;
            let now = days(&once, day);
            advance(&mut once, now);
            perform(&mut once, number as u128, act, now);
        }
        let mut often = once.clone();
        let mut steps = Vec::new();
        stops.sort_unstable();
        let until = days(&once, day + 2_000);
        for stop in stops {
            let stop = days(&often, day + stop);
            steps.extend(advance(&mut often, stop));
        }
        steps.extend(advance(&mut often, until));
        let single = advance(&mut once, until);
        prop_assert_eq!(rows(&once), rows(&often));
        prop_assert_eq!(&once.plan_changes, &often.plan_changes);
        let but_renewals = |steps: Vec<Step>| -> Vec<Step> {
            steps.into_iter().filter(|step| step.change != Change::Renewed).collect()
        };
        prop_assert_eq!(but_renewals(single), but_renewals(steps));
        prop_assert!(advance(&mut once, until).is_empty());
        prop_assert!(next_due(&once).is_none_or(|due| due > until));
    }

    #[test]
    fn never_two_live_base_plans_in_a_group(acts in acts()) {
        let mut facts = facts(&catalog());
        let mut day = 0;
        for (number, (wait, act)) in acts.iter().enumerate() {
            day += wait;
            let now = days(&facts, day);
            for step in advance(&mut facts, now) {
                prop_assert!(step.at <= now);
            }
            perform(&mut facts, number as u128, act, now);
            let live = facts.subscriptions.iter().filter(|one| one.base && one.is_live());
            prop_assert!(live.count() <= 1);
        }
    }
}
