//! What words come to.

use super::*;
use crate::subscription::fixture::time;

fn moment(at: &str, stage: u8) -> Moment {
    Moment {
        at: time(at),
        stage,
        period_end: None,
        noticed_at: time(at),
    }
}

fn is(said: Said, period: Option<(&str, &str)>) -> Word {
    Word::Is(Snapshot {
        said,
        period: period.map(|(start, end)| (time(start), time(end))),
        trial_ends_at: None,
        leaving: Leaving::No,
        ended_at: None,
    })
}

fn standing(words: &[(&str, u8, Word)]) -> Standing {
    let mut heard = Heard::default();
    for (at, stage, word) in words {
        heard.hear(moment(at, *stage), *word);
    }
    heard.standing()
}

#[test]
fn the_first_missed_payment_counts_until_one_comes() {
    let november = Some(("2026-11-01", "2026-12-01"));
    let december = Some(("2026-12-01", "2027-01-01"));
    let failing = [
        ("2026-11-01", 1, is(Said::Active, november)),
        ("2026-12-01", 1, Word::Failed),
        ("2026-12-02", 1, is(Said::PastDue, december)),
        ("2026-12-03", 1, Word::Failed),
    ];
    let late = standing(&failing);
    assert_eq!(late.state(), Some(Said::PastDue));
    assert_eq!(late.unpaid_since, Some(time("2026-12-01")));
    let mut recovered = failing.to_vec();
    recovered.push(("2026-12-04", 2, Word::Paid));
    assert_eq!(standing(&recovered).state(), Some(Said::Active));
}

#[test]
fn a_payment_that_fails_before_the_beginning_or_in_a_trial_is_not_missed() {
    let first = [
        ("2026-11-01", 0, is(Said::Incomplete, None)),
        ("2026-11-02", 1, Word::Failed),
        ("2026-11-03", 1, is(Said::Active, None)),
    ];
    assert_eq!(standing(&first).unpaid_since, None);
    let trial = [
        ("2026-11-01", 1, is(Said::Trialing, None)),
        ("2026-11-02", 1, Word::Failed),
    ];
    assert_eq!(standing(&trial).unpaid_since, None);
}

#[test]
fn the_first_end_is_the_end() {
    let words = [
        ("2026-11-01", 1, is(Said::Active, None)),
        ("2026-11-05", 2, is(Said::Ended, None)),
        ("2026-11-06", 1, is(Said::Active, None)),
        ("2026-11-09", 2, is(Said::Ended, None)),
    ];
    let standing = standing(&words);
    assert_eq!(standing.said, Some(Said::Ended));
    assert_eq!(standing.ended_at, Some(time("2026-11-05")));
}

#[test]
fn a_word_is_news_once_and_the_latest_only_at_the_end() {
    let mut heard = Heard::default();
    let active = is(Said::Active, None);
    assert_eq!(heard.hear(moment("2026-11-05", 1), active), News::Latest);
    assert_eq!(heard.hear(moment("2026-11-05", 1), active), News::None);
    assert_eq!(heard.hear(moment("2026-11-04", 1), active), News::Earlier);
}

#[test]
fn years_of_words_keep_their_beginning_and_little_else() {
    let mut heard = Heard::default();
    let first = time("2020-01-01");
    let day = chrono::TimeDelta::days(30);
    for number in 0..500 {
        let (start, end) = (first + day * number, first + day * (number + 1));
        let at = Moment {
            at: start,
            stage: 1,
            period_end: Some(end),
            noticed_at: start,
        };
        let word = Word::Is(Snapshot {
            said: Said::Active,
            period: Some((start, end)),
            trial_ends_at: None,
            leaving: Leaving::No,
            ended_at: None,
        });
        assert_eq!(heard.hear(at, word), News::Latest);
    }
    let standing = heard.standing();
    assert_eq!(standing.begun_at, Some(first));
    assert_eq!(standing.periods.first().unwrap().0, first);
    assert_eq!(standing.periods.last().unwrap().0, first + day * 499);
    assert!(serde_json::to_string(&heard).unwrap().len() < 8_000);
    assert_eq!(heard.hear(moment("2020-01-01", 0), Word::Paid), News::None);
}

#[test]
fn what_was_heard_comes_back_from_its_row() {
    let mut heard = Heard::default();
    heard.hear(moment("2026-11-01", 0), Word::Completed);
    heard.hear(
        moment("2026-11-01", 1),
        is(Said::Trialing, Some(("2026-11-01", "2026-11-15"))),
    );
    heard.kept_anchor = Some(time("2026-10-01"));
    let row = serde_json::to_value(&heard).unwrap();
    assert_eq!(serde_json::from_value::<Heard>(row).unwrap(), heard);
}
