//! The rules of rollover, one by one.

mod reference;

use super::*;
use crate::entitlement::facts::Subject;
use crate::entitlement::fixture::{CALLS, GROUP, id, quantity, time};
use crate::interval::{Cadence, Interval};
use crate::meter_key::MeterSource;
use crate::period::Anchor;

fn plan(
    interval: Interval,
    mut terms: Vec<RolloverTerm>,
    expires_after: Option<Span>,
) -> RolloverPlan {
    for term in &mut terms {
        term.expires_after = expires_after;
    }
    plan_of(interval, terms, expires_after)
}

fn plan_of(
    interval: Interval,
    terms: Vec<RolloverTerm>,
    expires_after: Option<Span>,
) -> RolloverPlan {
    let anchor = Anchor::At(time("2026-01-31"));
    let cadence = Cadence::every(interval);
    let meter = MeterKey {
        customer_id: id(1),
        entity: None,
        subject: Subject::Feature(CALLS),
        source: MeterSource::Group(GROUP),
        cadence,
        anchor,
        count_number: 1,
        origin: None,
    };
    RolloverPlan {
        meter_id: meter.id(),
        meter,
        schedule: Schedule {
            cadence,
            anchor,
            zone: chrono_tz::UTC,
        },
        number: 0,
        first: 0,
        terms,
        expires_after,
        gives: true,
        lap: 0,
        resumed: false,
        inherited: None,
        heir: None,
    }
}

fn of(plan: &RolloverPlan, history: &RolloverHistory) -> Histories {
    Histories::from([(plan.meter_id, history.clone())])
}

fn left(plan: &RolloverPlan, history: &RolloverHistory, number: i64) -> Chain {
    plan.chain(&of(plan, history), number)
}

fn term(first: i64, last: i64, limit: &str, cap: Option<&str>) -> RolloverTerm {
    RolloverTerm {
        first,
        last,
        limit: Some(quantity(limit)),
        cap: cap.map(quantity),
        expires_after: None,
    }
}

fn forever(limit: &str, cap: Option<&str>) -> Vec<RolloverTerm> {
    vec![term(0, i64::MAX, limit, cap)]
}

fn history(used: &[(i64, &str)], draws: &[((i64, i64), &str)]) -> RolloverHistory {
    RolloverHistory {
        used: used
            .iter()
            .map(|(at, text)| (*at, quantity(text)))
            .collect(),
        draws: draws
            .iter()
            .map(|(at, text)| (*at, quantity(text)))
            .collect(),
    }
}

fn rests(chain: &Chain) -> Vec<(i64, i64, String)> {
    let runs = chain.runs.iter();
    runs.map(|run| (run.first, run.last, run.each.to_string()))
        .collect()
}

#[test]
fn the_rest_of_a_period_is_kept() {
    let plan = plan(Interval::Monthly, forever("100", None), None);
    let history = history(&[(0, "70"), (2, "130")], &[]);
    assert_eq!(rests(&left(&plan, &history, 0)), []);
    assert_eq!(rests(&left(&plan, &history, 1)), [(0, 0, "30".into())]);
    // More used than allowed leaves nothing, and takes nothing from other rests.
    let all = [(0, 0, "30".into()), (1, 1, "100".into())];
    assert_eq!(rests(&left(&plan, &history, 3)), all);
}

#[test]
fn the_oldest_is_dropped_above_the_cap() {
    let plan = plan(Interval::Monthly, forever("100", Some("150")), None);
    let history = history(&[(0, "70"), (1, "20")], &[]);
    let two = [(0, 0, "30".into()), (1, 1, "80".into())];
    assert_eq!(rests(&left(&plan, &history, 2)), two);
    let capped = [(1, 1, "50".into()), (2, 2, "100".into())];
    assert_eq!(rests(&left(&plan, &history, 3)), capped);
    // A rest above the cap is cut itself.
    let small = RolloverPlan {
        terms: forever("100", Some("40")),
        ..plan
    };
    assert_eq!(rests(&left(&small, &history, 9)), [(8, 8, "40".into())]);
}

#[test]
fn a_rest_expires_a_span_after_the_end_of_its_period() {
    let span = Span::new(1, 0, 0).unwrap();
    let plan = plan(Interval::Monthly, forever("100", None), Some(span));
    let unused = RolloverHistory::default();
    // Period 0 ends on 28 February, so its rest ends on 28 March; period 2 begins on 31 March.
    assert_eq!(plan.expires_at(0), Some(time("2026-03-28")));
    assert_eq!(rests(&left(&plan, &unused, 2)), [(1, 1, "100".into())]);
    assert_eq!(rests(&left(&plan, &unused, 1)), [(0, 0, "100".into())]);
}

#[test]
fn a_long_sleep_costs_nothing() {
    let span = Span::new(0, 90, 0).unwrap();
    let plan = plan(Interval::Minutes5, forever("1", None), Some(span));
    let start = plan.schedule.period_at(time("2026-02-01")).number;
    let plan = RolloverPlan {
        first: start,
        terms: vec![RolloverTerm {
            expires_after: plan.expires_after,
            ..term(start, i64::MAX, "1", None)
        }],
        ..plan
    };
    let history = history(&[(start + 7, "0.5")], &[]);
    let late = start + 12 * 24 * 365 * 30;
    let chain = left(&plan, &history, late);
    // Ninety days of five minutes each; the one that ends now is gone.
    assert_eq!(chain.runs.len(), 1);
    assert_eq!(chain.total, quantity("25920"));
    let endless = RolloverPlan {
        expires_after: None,
        terms: vec![term(start, i64::MAX, "1", None)],
        ..plan
    };
    let chain = left(&endless, &history, late);
    assert_eq!(chain.runs.len(), 3);
    assert_eq!(chain.total, quantity("3153599.5"));
}

#[test]
fn what_no_term_covers_lapses() {
    let terms = vec![term(0, 1, "10", None), term(3, 9, "10", None)];
    let plan = plan(Interval::Monthly, terms, None);
    let unused = RolloverHistory::default();
    assert_eq!(rests(&left(&plan, &unused, 2)), [(0, 1, "10".into())]);
    assert_eq!(rests(&left(&plan, &unused, 3)), []);
    assert_eq!(rests(&left(&plan, &unused, 5)), [(3, 4, "10".into())]);
    assert_eq!(rests(&left(&plan, &unused, 11)), []);
}

#[test]
fn a_limit_rolls_over_as_it_was_at_the_end_of_its_period() {
    let terms = vec![
        term(0, 1, "10", None),
        RolloverTerm {
            limit: None,
            ..term(2, 2, "0", None)
        },
        term(3, i64::MAX, "25", None),
    ];
    let plan = plan(Interval::Monthly, terms, None);
    let chain = left(&plan, &RolloverHistory::default(), 5);
    assert_eq!(rests(&chain), [(0, 1, "10".into()), (3, 4, "25".into())]);
}

#[test]
fn a_rest_is_kept_at_each_boundary_as_long_as_the_rules_before_it_say() {
    let month = |first, last, days| RolloverTerm {
        expires_after: Span::new(0, days, 0),
        ..term(first, last, "10", None)
    };
    let terms = vec![month(0, 1, 20), month(2, i64::MAX, 70)];
    let plan = plan_of(Interval::Monthly, terms, Span::new(0, 70, 0));
    let rests_at = |number| rests(&left(&plan, &RolloverHistory::default(), number));
    // What had lapsed before they changed does not come back.
    assert_eq!(rests_at(2), [(1, 1, "10".into())]);
    let kept = |last| [(1, 1, "10".into()), (2, last, "10".into())];
    assert_eq!(rests_at(3), kept(2));
    assert_eq!(rests_at(4), kept(3));
    assert_eq!(rests_at(5), [(2, 4, "10".into())]);
}

#[test]
fn draws_in_a_period_take_from_the_rest_they_name() {
    let span = Span::new(0, 45, 0).unwrap();
    let plan = plan(Interval::Monthly, forever("20", None), Some(span));
    // Drawn four from the old rest, then, after that had expired within the period, eight from the
    // newer: what the old one had left does not come back.
    let history = history(&[(1, "10")], &[((2, 0), "4"), ((2, 1), "8")]);
    assert_eq!(
        rests(&left(&plan, &history, 3)),
        [(1, 1, "2".into()), (2, 2, "20".into())]
    );
    assert_eq!(left(&plan, &history, 3).shortfall, Quantity::ZERO);
}

#[test]
fn a_return_to_a_past_period_moves_rests_but_keeps_their_sum() {
    let plan = plan(Interval::Monthly, forever("100", Some("100")), None);
    // Sixty of period 0 were kept and drawn in period 2; then fifty were given back in period 1,
    // whose rest now pushes the older one out.
    let drawn = history(&[(0, "40"), (1, "20")], &[((2, 0), "60")]);
    let chain = left(&plan, &drawn, 3);
    assert_eq!(chain.shortfall, Quantity::ZERO);
    assert_eq!(rests(&chain), [(2, 2, "100".into())]);
    assert_eq!(left(&plan, &drawn, 2).total, quantity("100"));
}

#[test]
fn a_late_draw_leaves_what_later_periods_have_spent() {
    let plan = plan(Interval::Monthly, forever("100", None), None);
    let spent = history(&[(0, "30")], &[((1, 0), "50")]);
    // Seventy were left of period 0, fifty of them are spent.
    assert_eq!(
        plan.headroom(&of(&plan, &spent), &[], 0, None),
        Some(quantity("20"))
    );
    let extra = [Extra {
        meter_id: plan.meter_id,
        number: 0,
        origin: None,
        amount: quantity("15"),
    }];
    assert_eq!(
        plan.headroom(&of(&plan, &spent), &extra, 0, None),
        Some(quantity("5"))
    );
    // Nothing was spent after the running period.
    assert_eq!(plan.headroom(&of(&plan, &spent), &[], 1, Some(0)), None);
}

#[test]
fn a_late_draw_may_take_what_the_cap_would_drop() {
    let plan = plan(Interval::Monthly, forever("100", Some("10")), None);
    let spent = history(&[], &[((1, 0), "4")]);
    assert_eq!(
        plan.headroom(&of(&plan, &spent), &[], 0, None),
        Some(quantity("96"))
    );
}
