//! Rollover against a step-by-step simulation.

use proptest::prelude::*;

use super::*;

/// What is left, walked through period by period.
fn step_by_step(plan: &RolloverPlan, history: &RolloverHistory, number: i64) -> Vec<(i64, i128)> {
    walk(Vec::new(), plan, history, number)
}

/// Draws of one period, from the rests they name, then from later ones, then from earlier ones.
fn take(rests: &mut [(i64, i128)], history: &RolloverHistory, at: i64) {
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
}

fn walk(
    mut rests: Vec<(i64, i128)>,
    plan: &RolloverPlan,
    history: &RolloverHistory,
    number: i64,
) -> Vec<(i64, i128)> {
    for at in plan.first..number {
        take(&mut rests, history, at);
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
        let end = |origin| {
            let ended = plan.ends_at(origin)?;
            term.expires_after?.after(ended, plan.schedule.zone)
        };
        rests.retain(|(origin, _)| end(*origin).is_none_or(|end| end > start));
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
                expires_after: None,
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
        spans in prop::collection::vec(spans(), 5),
        interval in intervals(),
        number in 0_i64..320,
    ) {
        let mut plan = plan(interval, terms, span);
        for (term, span) in plan.terms.iter_mut().zip(spans) {
            term.expires_after = span;
        }
        let chain = left(&plan, &history, number);
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
        let before = left(&plan, &history, end).shortfall;
        let short = |amount: Quantity| {
            let more = Extra { meter_id: plan.meter_id, number, origin, amount };
            plan.chain(&with(&of(&plan, &history), [&more].into_iter()), end).shortfall
        };
        if let Some(room) = plan.headroom(&of(&plan, &history), &[], number, origin) {
            prop_assert_eq!(short(room), before);
            prop_assert!(short(sum(room, Quantity::from_raw(1))) > before);
        }
    }

    #[test]
    fn what_is_inherited_goes_on_as_if_it_had_been_ours(
        terms in (terms(), terms()),
        histories in (histories(), histories()),
        spans in (spans(), spans()),
        intervals in (intervals(), intervals()),
        cut in 0_i64..120,
        hours in 0_i64..24,
        number in 0_i64..200,
    ) {
        let earlier = RolloverPlan { number: cut, ..plan(intervals.0, terms.0, spans.0) };
        let at = earlier.schedule.period(cut).start.unwrap() + chrono::TimeDelta::hours(hours);
        let mut rests = step_by_step(&earlier, &histories.0, cut);
        take(&mut rests, &histories.0, cut);
        rests.retain(|(origin, _)| earlier.expires_at(*origin).is_none_or(|end| end > at));
        let ends: Vec<_> = rests.iter().map(|(origin, _)| earlier.schedule.period(*origin).end).collect();

        let mut later = plan(intervals.1, terms.1, spans.1);
        later.meter.count_number = 2;
        later.meter.anchor = Anchor::At(at);
        later.meter_id = later.meter.id();
        later.schedule.anchor = later.meter.anchor;
        let own = histories.1.clone();
        let all = Histories::from([(earlier.meter_id, histories.0), (later.meter_id, histories.1)]);
        later.inherited = Some(Box::new(Inherited { plan: earlier, cut: true, at, number: 0 }));
        for rest in &mut rests {
            rest.0 -= cut;
        }
        for ((origin, _), end) in rests.iter().zip(ends) {
            prop_assert_eq!(later.ends_at(*origin), end);
        }
        let chain = later.chain(&all, number);
        prop_assert_eq!(spelled_out(&chain), walk(rests, &later, &own, number));
    }
}
