//! Periods by hand: clamps, clock changes, numbers and extremes.

use super::*;
use crate::interval::Interval;

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn anchored(interval: Interval, anchor: &str, name: &str) -> Schedule {
    Schedule {
        cadence: interval.into(),
        anchor: Anchor::At(time(anchor)),
        zone: zone(name).unwrap(),
    }
}

fn calendar(cadence: Cadence, name: &str) -> Schedule {
    Schedule {
        cadence,
        anchor: Anchor::Calendar,
        zone: zone(name).unwrap(),
    }
}

#[track_caller]
fn starts(schedule: Schedule, first: i64, expected: &[&str]) {
    for (number, expected) in (first..).zip(expected) {
        let period = schedule.period(number);
        assert_eq!(period.start, Some(time(expected)), "period {number}");
        assert_eq!(schedule.period_at(time(expected)), period);
    }
}

#[test]
fn month_ends_are_clamped_and_come_back() {
    starts(
        anchored(Interval::Monthly, "2024-01-31T10:00:00Z", "UTC"),
        -1,
        &[
            "2023-12-31T10:00:00Z",
            "2024-01-31T10:00:00Z",
            "2024-02-29T10:00:00Z",
            "2024-03-31T10:00:00Z",
            "2024-04-30T10:00:00Z",
        ],
    );
    starts(
        anchored(Interval::Yearly, "2024-02-29T00:00:00Z", "UTC"),
        0,
        &[
            "2024-02-29T00:00:00Z",
            "2025-02-28T00:00:00Z",
            "2026-02-28T00:00:00Z",
            "2027-02-28T00:00:00Z",
            "2028-02-29T00:00:00Z",
        ],
    );
}

#[test]
fn local_time_of_day_survives_summer_time() {
    starts(
        anchored(Interval::Daily, "2024-03-30T09:00:00Z", "Europe/Berlin"),
        0,
        &["2024-03-30T09:00:00Z", "2024-03-31T08:00:00Z"],
    );
    // 02:30 is skipped on 31 March and the day starts at the moment of the skip.
    starts(
        anchored(Interval::Daily, "2024-03-30T01:30:00Z", "Europe/Berlin"),
        0,
        &[
            "2024-03-30T01:30:00Z",
            "2024-03-31T01:00:00Z",
            "2024-04-01T00:30:00Z",
        ],
    );
    // 02:30 occurs twice on 27 October: the first one counts, unless the anchor is the second.
    starts(
        anchored(Interval::Daily, "2024-10-26T00:30:00Z", "Europe/Berlin"),
        1,
        &["2024-10-27T00:30:00Z"],
    );
    starts(
        anchored(Interval::Daily, "2024-10-27T01:30:00Z", "Europe/Berlin"),
        0,
        &["2024-10-27T01:30:00Z"],
    );
}

#[test]
fn short_intervals_follow_the_clock_in_utc() {
    let schedule = anchored(Interval::Minutes5, "2024-01-01T10:03:07Z", "Asia/Kolkata");
    let period = schedule.period_at(time("2024-01-01T10:03:07Z"));
    assert_eq!(
        (period.start, period.end),
        (
            Some(time("2024-01-01T10:00:00Z")),
            Some(time("2024-01-01T10:05:00Z"))
        )
    );
    let hourly =
        calendar(Interval::Hourly.into(), "Asia/Kolkata").period_at(time("1969-12-31T23:59:59Z"));
    assert_eq!(
        (hourly.number, hourly.end),
        (-1, Some(time("1970-01-01T00:00:00Z")))
    );
}

#[test]
fn calendar_periods_are_those_of_the_zone() {
    let new_york = calendar(Interval::Monthly.into(), "America/New_York")
        .period_at(time("2024-03-01T04:59:59Z"));
    assert_eq!(new_york.number, 2024 * 12 + 1);
    assert_eq!(
        (new_york.start, new_york.end),
        (
            Some(time("2024-02-01T05:00:00Z")),
            Some(time("2024-03-01T05:00:00Z"))
        )
    );
    let week = calendar(Interval::Weekly.into(), "UTC").period_at(time("2024-01-03T00:00:00Z"));
    assert_eq!(week.start, Some(time("2024-01-01T00:00:00Z")));
    assert_eq!(
        calendar(Interval::Weekly.into(), "UTC")
            .period_at(time("1970-01-01T00:00:00Z"))
            .number,
        0
    );
    let half = calendar(Interval::SemiAnnual.into(), "UTC").period_at(time("2024-08-01T00:00:00Z"));
    assert_eq!(
        (half.number, half.start),
        (4049, Some(time("2024-07-01T00:00:00Z")))
    );
    let two_months =
        calendar(Cadence::new(Interval::Monthly, 2), "UTC").period_at(time("2024-02-10T00:00:00Z"));
    assert_eq!(two_months.start, Some(time("2024-01-01T00:00:00Z")));
}

#[test]
fn never_is_one_period() {
    let at = time("2024-01-31T10:00:00Z");
    let schedule = anchored(Interval::Never, "2024-01-31T10:00:00Z", "UTC");
    let only = Period {
        number: 0,
        start: Some(at),
        end: None,
    };
    assert_eq!(schedule.period_at(time("2000-01-01T00:00:00Z")), only);
    assert_eq!(schedule.period(7), only);
    assert_eq!(
        calendar(Interval::Never.into(), "UTC").period(0),
        Period {
            number: 0,
            start: None,
            end: None
        }
    );
}

#[test]
fn a_day_that_a_zone_skipped_still_has_a_place() {
    // Samoa had no 30 December 2011.
    let schedule = calendar(Interval::Daily.into(), "Pacific/Apia");
    let first = schedule.period_at(time("2011-12-30T09:00:00Z"));
    let skipped = schedule.period(first.number + 1);
    let last = schedule.period_at(time("2011-12-30T10:00:00Z"));
    assert_eq!(last.number, first.number + 2);
    assert_eq!(last.start, Some(time("2011-12-30T10:00:00Z")));
    assert_eq!((first.end, skipped.end), (skipped.start, last.start));
    assert!(skipped.start < skipped.end);
}

#[test]
fn extremes_have_no_start_but_do_not_fail() {
    for interval in Interval::ALL {
        for anchor in [
            Anchor::Calendar,
            Anchor::At(time("2024-01-31T10:00:00Z")),
            Anchor::At(Time::MAX_UTC),
            Anchor::At(Time::MIN_UTC),
        ] {
            let schedule = Schedule {
                cadence: Cadence::new(interval, u32::MAX),
                anchor,
                zone: chrono_tz::Asia::Kolkata,
            };
            for number in [i64::MIN, i64::MAX] {
                let period = schedule.period(number);
                assert!(
                    interval == Interval::Never || (period.start.is_none() && period.end.is_none())
                );
            }
            for at in [Time::MIN_UTC, Time::MAX_UTC, time("0000-01-01T00:00:00Z")] {
                assert_ne!(schedule.period_at(at).number, i64::MAX);
            }
        }
    }
}

#[test]
fn anchors_print_and_read() {
    for text in ["calendar", "1706695200000001", "-5"] {
        assert_eq!(Anchor::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Anchor::parse("now"), None);
    assert!(zone("Europe/Berlin").is_some() && zone("UTC").is_some());
    assert!(zone("europe/berlin").is_none() && zone("+02").is_none());
}
