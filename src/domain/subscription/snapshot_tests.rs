//! What a provider says, made true in rows, in whatever order it is heard.

use super::*;
use crate::entitlement::facts::Facts;
use crate::subscription::fixture::{facts, id, plan, time};
use crate::subscription::heard::{Heard, Moment, Snapshot, Word};
use crate::subscription::open::{Opening, Origin};
use crate::subscription::terms::Terms;
use proptest::prelude::*;

const STATUSES: [Status; 7] = [
    Status::Incomplete,
    Status::Trialing,
    Status::Active,
    Status::PastDue,
    Status::Paused,
    Status::Canceled,
    Status::Expired,
];
const SAID: [Said; 7] = [
    Said::Incomplete,
    Said::Trialing,
    Said::Active,
    Said::PastDue,
    Said::GivenUp,
    Said::Paused,
    Said::Ended,
];

/// One customer whose paid plan waits, and what is heard of it.
struct World {
    facts: Facts,
    terms: Terms,
    row: Subscription,
    heard: Heard,
    now: Time,
}

impl World {
    fn new(now: &str) -> Self {
        let pro = plan(10, 2_000);
        let terms = Terms::of_plan(&pro);
        let facts = facts(&[pro]);
        let now = time(now);
        let mut row = Opening {
            id: id(1_000),
            terms: &terms,
            origin: Origin::Nothing,
            trial_ends_at: None,
            at: now,
        }
        .wait();
        row.linked = true;
        Self {
            facts,
            terms,
            row,
            heard: Heard::default(),
            now,
        }
    }

    /// As `flow/apply` does it.
    fn hear(&mut self, moment: Moment, word: Word) {
        let before = self.heard.standing();
        self.heard.hear(moment, word);
        let standing = self.heard.standing();
        let told = Told {
            standing: &standing,
            before: &before,
            kept_anchor: self.heard.kept_anchor,
            zone: chrono_tz::UTC,
            now: self.now,
        };
        if must_begin(&self.row, &told) {
            let opening = Opening {
                id: self.row.id,
                terms: &self.terms,
                origin: Origin::Nothing,
                trial_ends_at: standing.trial.map(|trial| trial.ends_at),
                at: self.now,
            };
            let ended_at = self.row.ended_at;
            self.row = opening.open(&self.facts);
            self.row.linked = true;
            self.row.ended_at = ended_at;
        }
        settle(&mut self.row, &told);
    }
}

fn moment(at: Time, stage: u8) -> Moment {
    Moment {
        at,
        stage,
        period_end: None,
        noticed_at: at,
    }
}

fn is(said: Said, period: (&str, &str)) -> Word {
    let (start, end) = (time(period.0), time(period.1));
    Word::Is(Snapshot {
        said,
        period: Some((start, end)),
        trial_ends_at: (said == Said::Trialing).then_some(end),
        leaving: Leaving::No,
        ended_at: None,
    })
}

#[test]
fn every_pair_is_decided_and_ends_are_for_ever() {
    for status in STATUSES {
        for said in SAID {
            let outcome = decide(status, said);
            if matches!(status, Status::Canceled | Status::Expired) {
                assert_eq!(outcome, Outcome::Ignored, "{status:?} {said:?}");
            }
            assert_ne!(outcome, Outcome::Refused, "a provider is not refused");
            assert_ne!(outcome, Outcome::Becomes(Status::Incomplete));
        }
    }
}

#[test]
fn it_is_counted_from_the_providers_first_period() {
    let mut world = World::new("2026-11-01T00:00:09Z");
    world.hear(
        moment(time("2026-11-01T00:00:02Z"), 1),
        is(
            Said::Active,
            ("2026-11-01T00:00:01Z", "2026-12-01T00:00:01Z"),
        ),
    );
    assert_eq!(world.row.status, Status::Active);
    assert_eq!(world.row.anchor_at, time("2026-11-01T00:00:01Z"));
    assert_eq!(world.row.period_end, Some(time("2026-12-01T00:00:01Z")));
    assert_eq!(world.row.started_at, time("2026-11-01T00:00:09Z"));
}

#[test]
fn boundaries_a_little_off_keep_the_anchor_and_others_move_it() {
    let mut world = World::new("2026-11-01T00:00:09Z");
    world.hear(
        moment(time("2026-10-31"), 1),
        is(Said::Active, ("2026-10-31", "2026-11-28")),
    );
    world.now = time("2026-11-29");
    world.hear(
        moment(time("2026-11-29"), 1),
        is(Said::Active, ("2026-11-28", "2026-12-28")),
    );
    assert_eq!(world.row.anchor_at, time("2026-10-31"));
    assert_eq!(world.row.period_start, Some(time("2026-11-28")));
    assert_eq!(world.row.period_end, Some(time("2026-12-28")));
    world.hear(
        moment(time("2026-11-30"), 1),
        is(Said::Active, ("2026-11-15", "2026-12-15")),
    );
    assert_eq!(world.row.anchor_at, time("2026-11-15"));
}

#[test]
fn a_renewal_on_another_day_is_told_from_an_anchor_that_is_moved() {
    // Paystack bills what began on the last days of a month on the 28th from then on.
    let mut world = World::new("2026-01-31");
    let mut heard = |period: (&str, &str)| {
        world.now = time(period.0);
        let before = world.row.clone();
        world.hear(moment(world.now, 1), is(Said::Active, period));
        let standing = world.heard.standing();
        let told = Told {
            standing: &standing,
            before: &standing,
            kept_anchor: None,
            zone: chrono_tz::UTC,
            now: world.now,
        };
        (world.row.anchor_at, has_renewed(&before, &told))
    };
    let first = time("2026-01-31");
    assert_eq!(heard(("2026-01-31", "2026-02-28")), (first, false));
    // Ours has renewed by itself.
    assert_eq!(heard(("2026-02-28", "2026-03-28")), (first, false));
    let then = time("2026-03-28");
    assert_eq!(heard(("2026-03-28", "2026-04-28")), (then, true));
    let moved = time("2026-04-10");
    assert_eq!(heard(("2026-04-10", "2026-05-15")), (moved, false));
    // Later than ours, which has just begun: what was used of it goes along.
    let late = time("2026-05-15");
    assert_eq!(heard(("2026-05-15", "2026-06-15")), (late, false));
}

#[test]
fn a_trial_is_theirs_to_begin_and_to_end() {
    let mut world = World::new("2026-11-01T00:00:09Z");
    world.hear(
        moment(time("2026-11-01"), 1),
        is(Said::Trialing, ("2026-11-01", "2026-11-15")),
    );
    assert_eq!(world.row.status, Status::Trialing);
    assert_eq!(world.row.trial_ends_at, Some(time("2026-11-15")));
    let count = world.row.count_number;
    world.hear(
        moment(time("2026-11-08"), 1),
        is(Said::Active, ("2026-11-08", "2026-12-08")),
    );
    assert_eq!(world.row.status, Status::Active);
    assert_eq!(world.row.count_number, count + 1);
    assert_eq!(world.row.anchor_at, time("2026-11-08"));
}

#[test]
fn the_wait_for_the_first_payment_is_no_period_where_the_trial_is_ours() {
    let mut world = World::new("2026-01-01");
    let opening = Opening {
        id: world.row.id,
        terms: &world.terms,
        origin: Origin::Nothing,
        trial_ends_at: Some(time("2026-01-15")),
        at: world.now,
    };
    world.row = opening.open(&world.facts);
    world.row.linked = true;
    let waits = is(Said::Active, ("2026-01-01", "2026-01-15"));
    world.hear(moment(time("2026-01-01"), 1), waits);
    world.facts.subscriptions = vec![world.row.clone()];
    world.now = time("2026-01-16");
    crate::subscription::advance::advance(&mut world.facts, world.now);
    world.row = world.facts.subscriptions[0].clone();
    world.hear(moment(time("2026-01-15"), 2), Word::Paid);
    assert_eq!(world.row.status, Status::Active);
    assert_eq!(world.row.period_start, Some(time("2026-01-15")));
    assert_eq!(world.row.period_end, Some(time("2026-02-15")));
}

#[test]
fn given_up_is_kept_apart_from_the_days_of_grace() {
    let mut world = World::new("2026-12-02");
    let december = ("2026-12-01", "2027-01-01");
    world.hear(moment(time("2026-11-01"), 1), is(Said::Active, december));
    world.hear(moment(time("2026-12-01"), 1), is(Said::PastDue, december));
    assert_eq!(world.row.past_due_since, Some(time("2026-12-01")));
    world.hear(moment(time("2026-12-20"), 1), is(Said::GivenUp, december));
    // Said again, it is not later for it.
    world.hear(moment(time("2026-12-22"), 1), is(Said::GivenUp, december));
    assert_eq!(world.row.status, Status::PastDue);
    assert_eq!(world.row.past_due_since, Some(time("2026-12-01")));
    assert_eq!(world.row.given_up_at, Some(time("2026-12-20")));
    // Money that comes after all makes up for it.
    world.hear(moment(time("2026-12-23"), 1), Word::Paid);
    assert_eq!(world.row.status, Status::Active);
    assert_eq!(world.row.past_due_since, None);
    assert_eq!(world.row.given_up_at, None);
}

#[test]
fn what_ended_by_our_own_doing_stays_as_it_is() {
    let mut world = World::new("2026-11-02");
    let november = ("2026-11-01", "2026-12-01");
    world.hear(moment(time("2026-11-01"), 1), is(Said::Active, november));
    world.row.status = Status::Canceled;
    world.row.ended_at = Some(time("2026-11-02"));
    let ended = world.row.clone();
    world.hear(moment(time("2026-11-03"), 1), is(Said::Active, november));
    world.hear(moment(time("2026-11-04"), 2), is(Said::Ended, november));
    assert_eq!(world.row, ended);
}

#[test]
fn what_was_never_paid_expires_and_what_was_paid_is_canceled() {
    let november = ("2026-11-01", "2026-12-01");
    let mut world = World::new("2026-11-02");
    world.hear(
        moment(time("2026-11-01"), 0),
        is(Said::Incomplete, november),
    );
    world.hear(moment(time("2026-11-03"), 2), is(Said::Ended, november));
    assert_eq!(world.row.status, Status::Expired);
    assert_eq!(world.row.ended_at, Some(time("2026-11-03")));
    // A late word says that it had been live in between.
    world.hear(moment(time("2026-11-02"), 1), is(Said::Active, november));
    assert_eq!(world.row.status, Status::Canceled);
    assert_eq!(world.row.ended_at, Some(time("2026-11-03")));
    assert_eq!(world.row.anchor_at, time("2026-11-01"));
}

/// A word of a subscription's month `number` or of the days of its trial.
fn any_word() -> impl Strategy<Value = (Moment, Word)> {
    let day = |days: i64| time("2026-11-01") + TimeDelta::days(days);
    let state = (0..SAID.len(), 0..4_i64, 0..4_u8, any::<bool>()).prop_map(
        move |(said, month, leaving, periods)| {
            let said = SAID[said];
            let period = match said {
                Said::Trialing => (day(0), day(14)),
                _ => (day(14 + month * 30), day(44 + month * 30)),
            };
            Word::Is(Snapshot {
                said,
                period: (periods || said == Said::Trialing).then_some(period),
                trial_ends_at: (said == Said::Trialing).then_some(period.1),
                leaving: match leaving {
                    0 => Leaving::PeriodEnd,
                    1 => Leaving::At(day(200)),
                    _ => Leaving::No,
                },
                ended_at: None,
            })
        },
    );
    let word = prop_oneof![
        6 => state,
        1 => Just(Word::Completed),
        1 => Just(Word::Failed),
        1 => Just(Word::Paid),
    ];
    // Few moments, so that many are equal.
    (0..40_i64, word).prop_map(move |(days, word)| {
        let stage = match word {
            Word::Is(snapshot) if snapshot.said == Said::Incomplete => 0,
            Word::Is(snapshot) if snapshot.said == Said::Ended => 2,
            _ => 1,
        };
        (moment(day(days), stage), word)
    })
}

type Words = Vec<(Moment, Word)>;

/// Words, and the same ones shuffled with some of them twice.
fn history() -> impl Strategy<Value = (Words, Words)> {
    prop::collection::vec(any_word(), 1..10).prop_flat_map(|words| {
        let mut again = words.clone();
        again.extend(words.iter().copied().take(3));
        (Just(words), Just(again).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_order_and_any_repetition_ends_in_the_same_row((words, shuffled) in history()) {
        let mut in_turn = World::new("2026-11-01T00:00:09Z");
        let mut sorted = words;
        sorted.sort_unstable();
        for (moment, word) in sorted {
            in_turn.hear(moment, word);
        }
        let mut mixed = World::new("2026-11-01T00:00:09Z");
        for (moment, word) in shuffled {
            mixed.hear(moment, word);
        }
        prop_assert_eq!(&mixed.heard, &in_turn.heard);
        prop_assert_eq!(&mixed.row, &in_turn.row);
    }

    #[test]
    fn hearing_the_last_word_again_changes_nothing((words, _) in history()) {
        let mut world = World::new("2026-12-24");
        for (moment, word) in &words {
            world.hear(*moment, *word);
        }
        let row = world.row.clone();
        if let Some((moment, word)) = words.last() {
            world.hear(*moment, *word);
        }
        prop_assert_eq!(&world.row, &row);
    }

    #[test]
    fn a_row_that_ended_never_lives_again((words, _) in history()) {
        let mut world = World::new("2026-12-24");
        let mut ended = false;
        for (moment, word) in words {
            world.hear(moment, word);
            let is = matches!(world.row.status, Status::Canceled | Status::Expired);
            prop_assert!(is || !ended);
            ended = is;
        }
    }
}
