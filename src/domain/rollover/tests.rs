//! Rollover against a step-by-step simulation, and its rules one by one.

use proptest::prelude::*;

use super::*;
use crate::entitlement::facts::Subject;
use crate::entitlement::fixture::{CALLS, GROUP, id, quantity, time};
use crate::interval::{Cadence, Interval};
use crate::meter_key::MeterSource;
use crate::period::Anchor;

fn plan(interval: Interval, terms: Vec<RolloverTerm>, expires_after: Option<Span>) -> RolloverPlan {
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
    }
}

fn term(first: i64, last: i64, limit: &str, cap: Option<&str>) -> RolloverTerm {
    RolloverTerm {
        first,
        last,
        limit: Some(quantity(limit)),
        cap: cap.map(quantity),
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
    assert_eq!(rests(&plan.chain(&history, 0)), []);
    assert_eq!(rests(&plan.chain(&history, 1)), [(0, 0, "30".into())]);
    // More used than allowed leaves nothing, and takes nothing from other rests.
    let all = [(0, 0, "30".into()), (1, 1, "100".into())];
    assert_eq!(rests(&plan.chain(&history, 3)), all);
}

#[test]
fn the_oldest_is_dropped_above_the_cap() {
    let plan = plan(Interval::Monthly, forever("100", Some("150")), None);
    let history = history(&[(0, "70"), (1, "20")], &[]);
    let two = [(0, 0, "30".into()), (1, 1, "80".into())];
    assert_eq!(rests(&plan.chain(&history, 2)), two);
    let capped = [(1, 1, "50".into()), (2, 2, "100".into())];
    assert_eq!(rests(&plan.chain(&history, 3)), capped);
    // A rest above the cap is cut itself.
    let small = RolloverPlan {
        terms: forever("100", Some("40")),
        ..plan
    };
    assert_eq!(rests(&small.chain(&history, 9)), [(8, 8, "40".into())]);
}

#[test]
fn a_rest_expires_a_span_after_the_end_of_its_period() {
    let span = Span::new(1, 0, 0).unwrap();
    let plan = plan(Interval::Monthly, forever("100", None), Some(span));
    let unused = RolloverHistory::default();
    // Period 0 ends on 28 February, so its rest ends on 28 March; period 2 begins on 31 March.
    assert_eq!(plan.expires_at(0), Some(time("2026-03-28")));
    assert_eq!(rests(&plan.chain(&unused, 2)), [(1, 1, "100".into())]);
    assert_eq!(rests(&plan.chain(&unused, 1)), [(0, 0, "100".into())]);
}

#[test]
fn a_long_sleep_costs_nothing() {
    let span = Span::new(0, 90, 0).unwrap();
    let plan = plan(Interval::Minutes5, forever("1", None), Some(span));
    let start = plan.schedule.period_at(time("2026-02-01")).number;
    let plan = RolloverPlan {
        first: start,
        terms: vec![term(start, i64::MAX, "1", None)],
        ..plan
    };
    let history = history(&[(start + 7, "0.5")], &[]);
    let late = start + 12 * 24 * 365 * 30;
    let chain = plan.chain(&history, late);
    // Ninety days of five minutes each; the one that ends now is gone.
    assert_eq!(chain.runs.len(), 1);
    assert_eq!(chain.total, quantity("25920"));
    let endless = RolloverPlan {
        expires_after: None,
        ..plan
    };
    let chain = endless.chain(&history, late);
    assert_eq!(chain.runs.len(), 3);
    assert_eq!(chain.total, quantity("3153599.5"));
}

#[test]
fn what_no_term_covers_lapses() {
    let terms = vec![term(0, 1, "10", None), term(3, 9, "10", None)];
    let plan = plan(Interval::Monthly, terms, None);
    let unused = RolloverHistory::default();
    assert_eq!(rests(&plan.chain(&unused, 2)), [(0, 1, "10".into())]);
    assert_eq!(rests(&plan.chain(&unused, 3)), []);
    assert_eq!(rests(&plan.chain(&unused, 5)), [(3, 4, "10".into())]);
    assert_eq!(rests(&plan.chain(&unused, 11)), []);
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
    let chain = plan.chain(&RolloverHistory::default(), 5);
    assert_eq!(rests(&chain), [(0, 1, "10".into()), (3, 4, "25".into())]);
}

#[test]
fn draws_in_a_period_take_from_the_rest_they_name() {
    let span = Span::new(0, 45, 0).unwrap();
    let plan = plan(Interval::Monthly, forever("20", None), Some(span));
    // Drawn four from the old rest, then, after that had expired within the period, eight from the
    // newer: what the old one had left does not come back.
    let history = history(&[(1, "10")], &[((2, 0), "4"), ((2, 1), "8")]);
    assert_eq!(
        rests(&plan.chain(&history, 3)),
        [(1, 1, "2".into()), (2, 2, "20".into())]
    );
    assert_eq!(plan.chain(&history, 3).shortfall, Quantity::ZERO);
}

#[test]
fn a_return_to_a_past_period_moves_rests_but_keeps_their_sum() {
    let plan = plan(Interval::Monthly, forever("100", Some("100")), None);
    // Sixty of period 0 were kept and drawn in period 2; then fifty were given back in period 1,
    // whose rest now pushes the older one out.
    let drawn = history(&[(0, "40"), (1, "20")], &[((2, 0), "60")]);
    let chain = plan.chain(&drawn, 3);
    assert_eq!(chain.shortfall, Quantity::ZERO);
    assert_eq!(rests(&chain), [(2, 2, "100".into())]);
    assert_eq!(plan.chain(&drawn, 2).total, quantity("100"));
}

#[test]
fn a_late_draw_leaves_what_later_periods_have_spent() {
    let plan = plan(Interval::Monthly, forever("100", None), None);
    let spent = history(&[(0, "30")], &[((1, 0), "50")]);
    // Seventy were left of period 0, fifty of them are spent.
    assert_eq!(plan.headroom(&spent, &[], 0, None), Some(quantity("20")));
    let extra = [Extra {
        number: 0,
        origin: None,
        amount: quantity("15"),
    }];
    assert_eq!(plan.headroom(&spent, &extra, 0, None), Some(quantity("5")));
    // Nothing was spent after the running period.
    assert_eq!(plan.headroom(&spent, &[], 1, Some(0)), None);
}

#[test]
fn a_late_draw_may_take_what_the_cap_would_drop() {
    let plan = plan(Interval::Monthly, forever("100", Some("10")), None);
    let spent = history(&[], &[((1, 0), "4")]);
    assert_eq!(plan.headroom(&spent, &[], 0, None), Some(quantity("96")));
}

/// What is left, walked through period by period.
fn step_by_step(plan: &RolloverPlan, history: &RolloverHistory, number: i64) -> Vec<(i64, i128)> {
    let mut rests: Vec<(i64, i128)> = Vec::new();
    for at in plan.first..number {
        for (origin, amount) in history.draws_in(at) {
            let mut wanted = amount.raw();
            let later = rests.iter().position(|(first, _)| *first >= origin);
            let later = later.unwrap_or(rests.len());
            let order: Vec<usize> = (later..rests.len()).chain(0..later).collect();
            for index in order {
                let taken = wanted.min(rests[index].1);
                rests[index].1 -= taken;
                wanted -= taken;
            }
        }
        let Some(term) = plan
            .terms
            .iter()
            .find(|term| (term.first..=term.last).contains(&at))
        else {
            rests.clear();
            continue;
        };
        let used = history.used.get(&at).copied().unwrap_or_default();
        if let Some(limit) = term.limit {
            rests.push((at, limit.saturating_sub_to_zero(used).raw()));
        }
        let start = plan.schedule.period(at + 1).start.unwrap();
        rests.retain(|(origin, _)| plan.expires_at(*origin).is_none_or(|end| end > start));
        let total: i128 = rests.iter().map(|(_, amount)| amount).sum();
        let mut excess = term.cap.map_or(0, |cap| (total - cap.raw()).max(0));
        for (_, amount) in &mut rests {
            let dropped = excess.min(*amount);
            *amount -= dropped;
            excess -= dropped;
        }
        rests.retain(|(_, amount)| *amount > 0);
    }
    rests.retain(|(_, amount)| *amount > 0);
    rests
}

fn spelled_out(chain: &Chain) -> Vec<(i64, i128)> {
    let runs = chain.runs.iter();
    runs.flat_map(|run| (run.first..=run.last).map(|origin| (origin, run.each.raw())))
        .collect()
}

fn terms() -> impl Strategy<Value = Vec<RolloverTerm>> {
    let one = (
        1_i64..120,
        0_i64..2,
        0_i128..30,
        prop::option::of(0_i128..80),
        0..6,
    );
    prop::collection::vec(one, 1..5).prop_map(|parts| {
        let mut next = 0;
        let mut terms = Vec::new();
        for (length, gap, limit, cap, unlimited) in parts {
            let first = next + if terms.is_empty() { 0 } else { gap };
            next = first + length;
            terms.push(RolloverTerm {
                first,
                last: next - 1,
                limit: (unlimited > 0).then(|| Quantity::from_raw(limit)),
                cap: cap.map(Quantity::from_raw),
            });
        }
        terms
    })
}

fn histories() -> impl Strategy<Value = RolloverHistory> {
    let used = prop::collection::btree_map(0_i64..300, 0_i128..40, 0..40);
    let draws = prop::collection::btree_map((0_i64..300, 0_i64..300), 0_i128..40, 0..40);
    (used, draws).prop_map(|(used, draws)| RolloverHistory {
        used: used
            .into_iter()
            .map(|(at, amount)| (at, Quantity::from_raw(amount)))
            .collect(),
        draws: draws
            .into_iter()
            .filter(|((at, origin), _)| origin < at)
            .map(|(at, amount)| (at, Quantity::from_raw(amount)))
            .collect(),
    })
}

fn spans() -> impl Strategy<Value = Option<Span>> {
    prop::option::of(
        (0_i64..4, 1_i64..40).prop_map(|(months, days)| Span::new(months, days, 0).unwrap()),
    )
}

fn intervals() -> impl Strategy<Value = Interval> {
    prop::sample::select(vec![Interval::Daily, Interval::Weekly, Interval::Monthly])
}

proptest! {
    #[test]
    fn equals_a_walk_through_every_period(
        terms in terms(),
        history in histories(),
        span in spans(),
        interval in intervals(),
        number in 0_i64..320,
    ) {
        let plan = plan(interval, terms, span);
        let chain = plan.chain(&history, number);
        prop_assert_eq!(spelled_out(&chain), step_by_step(&plan, &history, number));
        let total: i128 = chain.runs.iter().map(|run| run.total().raw()).sum();
        prop_assert_eq!(chain.total.raw(), total);
        let shared: i128 = chain.shares(5).iter().map(|share| share.amount.raw()).sum();
        prop_assert_eq!(shared, total);
        prop_assert!(chain.shares(5).len() <= 5);
        prop_assert!(chain.shares(1).len() <= 1);
    }

    #[test]
    fn headroom_is_the_most_that_leaves_later_draws_covered(
        terms in terms(),
        history in histories(),
        span in spans(),
        number in 0_i64..200,
        origin in prop::option::of(0_i64..200),
    ) {
        let plan = plan(Interval::Weekly, terms, span);
        let end = history.last_touched().unwrap_or(0) + 1;
        let before = plan.chain(&history, end).shortfall;
        let with = |amount: Quantity| {
            let more = Extra { number, origin, amount };
            plan.chain(&history.with([&more].into_iter()), end).shortfall
        };
        if let Some(room) = plan.headroom(&history, &[], number, origin) {
            prop_assert_eq!(with(room), before);
            prop_assert!(with(sum(room, Quantity::from_raw(1))) > before);
        }
    }
}
