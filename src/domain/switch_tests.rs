//! What an attach means, cell by cell.

use super::*;
use crate::interval::{Cadence, Interval};
use crate::quantity::Quantity;
use crate::subscription::fixture::{GROUP, attach, cycle, facts, id, plan, time};
use crate::subscription::open::Opening;

fn wish(plan: &Plan) -> Wish<'_> {
    Wish {
        plan,
        cycle: None,
        timing: None,
        trial_used: false,
    }
}

/// A customer on the first plan since the first of April, a month of thirty days.
fn on(plan: &Plan, others: &[&Plan]) -> Facts {
    let mut plans: Vec<Plan> = others.iter().map(|one| (*one).clone()).collect();
    plans.push(plan.clone());
    let mut facts = facts(&plans);
    attach(&mut facts, 1000, plan, None, time("2025-04-01"));
    facts
}

fn open(facts: &Facts, attach: &Attach, at: Time) -> Subscription {
    Opening {
        id: id(2000),
        terms: &attach.terms,
        origin: attach.origin(facts),
        trial_ends_at: attach.trial_ends_at,
        at,
    }
    .open(facts)
}

#[test]
fn a_free_plan_starts_at_once_and_a_paid_one_waits_for_its_checkout() {
    let (free, pro) = (plan(10, 0), plan(11, 2_000));
    let facts = facts(&[free.clone(), pro.clone()]);
    let now = time("2025-04-01");
    let got = plan_attach(&facts, wish(&free), now).unwrap();
    assert_eq!((got.action, got.kind), (Action::Start, Kind::New));
    let got = plan_attach(&facts, wish(&pro), now).unwrap();
    let waits = Action::Checkout {
        kind: CheckoutKind::Payment,
        open: None,
    };
    assert_eq!((got.action, got.amount_due), (waits, 2_000));
}

#[test]
fn an_upgrade_at_half_of_the_period_costs_half_of_the_difference() {
    let (small, big) = (plan(10, 2_000), plan(11, 5_000));
    let facts = on(&small, &[&big]);
    let now = time("2025-04-16");
    let got = plan_attach(&facts, wish(&big), now).unwrap();
    assert_eq!((got.kind, got.amount_due), (Kind::Upgrade, 1_500));
    let row = open(&facts, &got, now);
    assert_eq!(row.anchor_at, time("2025-04-01"));
    assert_eq!(row.period_end, Some(time("2025-05-01")));
    assert_eq!(row.count_number, 1);
}

#[test]
fn from_free_to_paid_a_whole_period_begins_and_the_count_stays() {
    let (free, pro) = (plan(10, 0), plan(11, 2_000));
    let facts = on(&free, &[&pro]);
    let now = time("2025-04-16");
    let got = plan_attach(&facts, wish(&pro), now).unwrap();
    assert_eq!((got.kind, got.amount_due), (Kind::Upgrade, 2_000));
    let row = open(&facts, &got, now);
    assert_eq!((row.anchor_at, row.count_number), (now, 1));
}

#[test]
fn another_interval_begins_now_with_credit_for_the_old_one() {
    let (small, mut big) = (plan(10, 2_000), plan(11, 60_000));
    big.cadence = Cadence::every(Interval::Yearly);
    let facts = on(&small, &[&big]);
    let now = time("2025-04-16");
    let got = plan_attach(&facts, wish(&big), now).unwrap();
    assert_eq!(got.amount_due, 59_000);
    assert_eq!(open(&facts, &got, now).anchor_at, now);
}

#[test]
fn a_downgrade_waits_for_the_end_of_the_period_and_costs_nothing() {
    let (small, big) = (plan(10, 2_000), plan(11, 5_000));
    let facts = on(&big, &[&small]);
    let got = plan_attach(&facts, wish(&small), time("2025-04-16")).unwrap();
    assert_eq!(got.action.code(), "scheduled");
    assert_eq!(got.effective_at, Some(time("2025-05-01")));
    assert_eq!((got.kind, got.amount_due), (Kind::Downgrade, 0));
}

#[test]
fn timing_overrides_the_rule() {
    let (small, big) = (plan(10, 2_000), plan(11, 5_000));
    let now = time("2025-04-16");
    let facts = on(&big, &[&small]);
    let mut wanted = wish(&small);
    wanted.timing = Some(Timing::Now);
    let got = plan_attach(&facts, wanted, now).unwrap();
    assert_eq!(got.action, Action::Start);
    assert_eq!((got.amount_due, got.credit_left), (0, 1_500));
    let facts = on(&small, &[&big]);
    let mut wanted = wish(&big);
    wanted.timing = Some(Timing::PeriodEnd);
    let got = plan_attach(&facts, wanted, now).unwrap();
    assert_eq!(got.action.code(), "scheduled");
}

#[test]
fn the_same_price_is_lateral_and_at_once() {
    let (one, other) = (plan(10, 2_000), plan(11, 2_000));
    let facts = on(&one, &[&other]);
    let got = plan_attach(&facts, wish(&other), time("2025-04-16")).unwrap();
    assert_eq!((got.kind, got.action), (Kind::Lateral, Action::Start));
    assert_eq!((got.amount_due, got.credit_left), (0, 0));
}

#[test]
fn ranks_decide_alone_when_both_have_one() {
    let (mut one, mut other) = (plan(10, 2_000), plan(11, 1_000));
    one.rank = Some(1);
    other.rank = Some(2);
    let facts = on(&one, &[&other]);
    let got = plan_attach(&facts, wish(&other), time("2025-04-16")).unwrap();
    assert_eq!(got.kind, Kind::Upgrade);
    assert_eq!((got.action, got.credit_left), (Action::Start, 500));
}

#[test]
fn unranked_plans_in_two_currencies_cannot_be_compared() {
    let (one, mut other) = (plan(10, 2_000), plan(11, 3_000));
    other.currency = Some("EUR".to_owned());
    let facts = on(&one, &[&other]);
    let got = plan_attach(&facts, wish(&other), time("2025-04-16"));
    assert!(matches!(got, Err(TermsError::CurrencyMismatch { .. })));
    let free = plan(12, 0);
    assert!(plan_attach(&facts, wish(&free), time("2025-04-16")).is_ok());
}

#[test]
fn the_current_plan_is_kept_with_its_cycle() {
    let mut pro = plan(10, 2_000);
    pro.cycles.push(cycle("annual", 20_000, Interval::Yearly));
    let mut facts = on(&pro, &[]);
    let now = time("2025-04-16");
    let kept = Action::Keep(id(1000));
    assert_eq!(plan_attach(&facts, wish(&pro), now).unwrap().action, kept);
    let mut yearly = wish(&pro);
    yearly.cycle = Some("annual");
    let got = plan_attach(&facts, yearly, now).unwrap();
    assert_eq!(got.kind, Kind::Downgrade);
    facts.subscriptions[0].cycle_key = Some("annual".to_owned());
    assert_eq!(plan_attach(&facts, wish(&pro), now).unwrap().action, kept);
    let mut unknown = wish(&pro);
    unknown.cycle = Some("lunar");
    assert_eq!(
        plan_attach(&facts, unknown, now),
        Err(TermsError::UnknownCycle)
    );
}

#[test]
fn a_cycle_may_be_named_by_its_interval() {
    let mut pro = plan(10, 2_000);
    pro.cycles.push(cycle("annual", 20_000, Interval::Yearly));
    let named = Terms::of_cycle(&pro, Some("yearly")).unwrap();
    assert_eq!(named.cycle_key.as_deref(), Some("annual"));
    let own = Terms::of_cycle(&pro, Some("month")).unwrap();
    assert_eq!((own.cycle_key, own.price), (None, 2_000));
}

#[test]
fn a_trial_starts_at_once_but_only_the_first_time_and_never_on_a_downgrade() {
    let mut pro = plan(10, 2_000);
    pro.trial_days = 14;
    let facts = facts(std::slice::from_ref(&pro));
    let now = time("2025-04-01");
    let got = plan_attach(&facts, wish(&pro), now).unwrap();
    assert_eq!((got.action, got.amount_due), (Action::Start, 0));
    assert_eq!(got.trial_ends_at, Some(time("2025-04-15")));
    let row = open(&facts, &got, now);
    assert_eq!(row.status, Status::Trialing);
    assert_eq!(row.period_end, got.trial_ends_at);
    let mut again = wish(&pro);
    again.trial_used = true;
    let got = plan_attach(&facts, again, now).unwrap();
    assert_eq!(got.action.code(), "checkout_required");
    let big = plan(11, 9_000);
    let facts = on(&big, &[&pro]);
    let mut now_please = wish(&pro);
    now_please.timing = Some(Timing::Now);
    let got = plan_attach(&facts, now_please, now).unwrap();
    assert_eq!(got.trial_ends_at, None);
}

#[test]
fn a_trial_that_needs_a_card_waits_for_one() {
    let mut pro = plan(10, 2_000);
    pro.trial_days = 14;
    pro.trial_card_required = true;
    let mut facts = facts(std::slice::from_ref(&pro));
    let now = time("2025-04-01");
    let got = plan_attach(&facts, wish(&pro), now).unwrap();
    let setup = Action::Checkout {
        kind: CheckoutKind::Setup,
        open: None,
    };
    assert_eq!((got.action, got.amount_due), (setup, 0));
    facts.has_payment_method = true;
    let got = plan_attach(&facts, wish(&pro), now).unwrap();
    assert_eq!(got.action, Action::Start);
}

#[test]
fn an_open_checkout_for_the_same_is_found_again() {
    let pro = plan(10, 2_000);
    let mut facts = facts(std::slice::from_ref(&pro));
    let now = time("2025-04-01");
    let terms = Terms::of_plan(&pro);
    let opening = Opening {
        id: id(3000),
        terms: &terms,
        origin: Origin::Nothing,
        trial_ends_at: None,
        at: now,
    };
    facts.subscriptions.push(opening.wait());
    let got = plan_attach(&facts, wish(&pro), now).unwrap();
    assert!(matches!(
        got.action,
        Action::Checkout { open: Some(found), .. } if found == id(3000)
    ));
}

#[test]
fn inactive_plans_and_addons_without_base_are_refused() {
    let mut gone = plan(10, 0);
    gone.active = false;
    let mut addon = plan(11, 0);
    addon.is_addon = true;
    let free = plan(12, 0);
    let mut all = facts(&[gone.clone(), addon.clone(), free.clone()]);
    let now = time("2025-04-01");
    let code =
        |facts: &Facts, plan: &Plan| plan_attach(facts, wish(plan), now).unwrap().action.code();
    assert_eq!(code(&all, &gone), "plan_inactive");
    assert_eq!(code(&all, &addon), "addon_needs_base");
    attach(&mut all, 1000, &free, None, now);
    assert_eq!(code(&all, &addon), "attached");
    addon.group_id = id(77);
    assert_eq!(code(&all, &addon), "addon_needs_base");
    addon.group_id = addon.id;
    assert_eq!(code(&all, &addon), "attached");
}

#[test]
fn addons_stack() {
    let free = plan(12, 0);
    let mut addon = plan(11, 0);
    addon.is_addon = true;
    let mut facts = on(&free, &[&addon]);
    let now = time("2025-04-01");
    attach(&mut facts, 1001, &addon, None, now);
    let got = plan_attach(&facts, wish(&addon), now).unwrap();
    assert_eq!((got.kind, got.action), (Kind::New, Action::Start));
    assert_eq!(got.replaces, None);
}

#[test]
fn coming_back_paid_is_a_fresh_count_and_free_goes_on() {
    let (free, pro) = (plan(10, 0), plan(11, 2_000));
    let mut facts = on(&free, &[&pro]);
    facts.subscriptions[0].status = Status::Canceled;
    facts.subscriptions[0].ended_at = Some(time("2025-04-10"));
    let now = time("2025-04-20");
    let back = |plan| open(&facts, &plan_attach(&facts, wish(plan), now).unwrap(), now);
    let row = back(&free);
    assert_eq!((row.anchor_at, row.count_number), (time("2025-04-01"), 1));
    let row = back(&pro);
    assert_eq!((row.anchor_at, row.count_number), (now, 2));
}

#[test]
fn reset_on_enable_gives_a_fresh_count_in_a_paid_upgrade_only() {
    use crate::entitlement::facts::{PlanFeature, ResetAnchor, Scope, Subject};
    let (small, big) = (plan(10, 2_000), plan(11, 5_000));
    let mut facts = on(&small, &[&big]);
    let subject = Subject::Feature(id(500));
    let now = time("2025-04-16");
    facts.plan_features.push(PlanFeature {
        id: id(600),
        plan_id: big.id,
        subject,
        enabled: true,
        value: None,
        limit: Some(Quantity::from_int(100)),
        trial_limit: None,
        scope: Scope::Customer,
        reset: crate::interval::Reset::Every(Interval::Monthly),
        reset_anchor: ResetAnchor::Billing,
        reset_on_enable: true,
        rollover: false,
        rollover_limit: None,
        rollover_expires_after: None,
        usage_based: false,
        overage_charged: false,
        overage_limit: None,
        credit_cost: None,
        pricing: serde_json::Value::Null,
        history: Vec::new(),
        created_at: now,
    });
    let got = plan_attach(&facts, wish(&big), now).unwrap();
    assert_eq!(open(&facts, &got, now).start_of(subject).count_number, 2);
    let mut unpaid = got.clone();
    unpaid.amount_due = 0;
    assert_eq!(open(&facts, &unpaid, now).start_of(subject).count_number, 1);
    assert!(facts.live_base(GROUP).is_some());
}
