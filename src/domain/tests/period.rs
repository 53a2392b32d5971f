//! Periods tile time: for every cadence, anchor and zone, walked in steps and reached in one jump.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use owostack_domain::interval::{Cadence, Interval, Span};
use owostack_domain::period::{Anchor, Period, Schedule, Time, zone};
use proptest::prelude::*;

const ZONES: [&str; 9] = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    // Summer time ended one minute after midnight: the day before came back for an hour.
    "America/St_Johns",
    "America/Havana",
];

/// Steps that a walk takes: twenty years of months.
const STEPS: i64 = 240;

fn any_zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(&ZONES[..]).prop_map(|name| zone(name).unwrap())
}

fn cadence_of(intervals: &'static [Interval]) -> impl Strategy<Value = Cadence> {
    let interval = prop::sample::select(intervals);
    (interval, prop_oneof![Just(1), 1..=14_u32])
        .prop_map(|(interval, count)| Cadence::new(interval, count))
}

/// Any cadence that ends.
fn any_cadence() -> impl Strategy<Value = Cadence> {
    cadence_of(&Interval::ALL[..10])
}

fn micros(from: i32, to: i32) -> std::ops::Range<i64> {
    let at = |year| {
        NaiveDate::from_ymd_opt(year, 1, 1)
            .unwrap()
            .and_time(Default::default())
            .and_utc()
            .timestamp_micros()
    };
    at(from)..at(to)
}

/// Moments within a day of a change of the zone's clock, to the microsecond.
fn any_edge() -> impl Strategy<Value = (Tz, Time)> {
    let changes = [
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("America/New_York", "2024-03-10T07:00:00Z"),
        ("America/New_York", "2023-11-05T06:00:00Z"),
        ("Europe/Berlin", "2024-10-27T01:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
        ("America/St_Johns", "2010-11-07T02:31:00Z"),
        ("Australia/Lord_Howe", "2024-04-06T15:00:00Z"),
        ("America/Havana", "2023-11-05T05:00:00Z"),
    ];
    let minutes = (-1_440..=1_440_i64).prop_map(|minutes| minutes * 60_000_000);
    let near = prop_oneof![minutes, -7_200_000_000..7_200_000_000_i64, -2..=2_i64];
    (prop::sample::select(changes.to_vec()), near).prop_map(|((name, change), micros)| {
        (
            zone(name).unwrap(),
            change.parse::<Time>().unwrap() + TimeDelta::microseconds(micros),
        )
    })
}

/// Any moment, and moments near local midnight at month ends, where zones and clamps meet.
fn any_time() -> impl Strategy<Value = Time> {
    let anywhere = micros(1900, 2100).prop_map(|at| Time::from_timestamp_micros(at).unwrap());
    let month_end = (1970..2100_i32, 1..=12_u32, 28..=31_u32, -180..180_i64).prop_map(
        |(year, month, day, minutes)| {
            let date = (28..=day)
                .rev()
                .find_map(|day| NaiveDate::from_ymd_opt(year, month, day))
                .unwrap();
            date.and_hms_opt(12, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes * 8)
        },
    );
    let edges = any_edge().prop_map(|(_, at)| at);
    prop_oneof![anywhere, month_end, edges]
}

fn any_anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![2 => any_time().prop_map(Anchor::At), 1 => Just(Anchor::Calendar)]
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    (any_cadence(), any_anchor(), any_zone()).prop_map(|(cadence, anchor, zone)| Schedule {
        cadence,
        anchor,
        zone,
    })
}

/// What a period must be, wherever it came from.
fn check(schedule: &Schedule, period: Period) -> Result<(Time, Time), TestCaseError> {
    let (start, end) = (period.start.unwrap(), period.end.unwrap());
    prop_assert!(start < end, "{period:?}");
    prop_assert_eq!(schedule.period(period.number), period);
    prop_assert_eq!(schedule.period_at(start), period);
    prop_assert_eq!(schedule.period_at(end - TimeDelta::microseconds(1)), period);
    prop_assert_eq!(schedule.period_at(end).number, period.number + 1);
    Ok((start, end))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_moment_lies_in_its_period(schedule in any_schedule(), at in any_time()) {
        let period = schedule.period_at(at);
        check(&schedule, period)?;
        prop_assert!(period.contains(at), "{at} not in {period:?}");
    }

    #[test]
    fn periods_tile_time(schedule in any_schedule(), at in any_time()) {
        let first = schedule.period_at(at);
        let mut end = first.start.unwrap();
        for number in first.number..first.number + STEPS {
            let period = schedule.period(number);
            let (start, next) = check(&schedule, period)?;
            prop_assert_eq!(start, end);
            end = next;
        }
        // One jump over the whole distance lands where the steps did.
        prop_assert_eq!(schedule.period_at(end).number, first.number + STEPS);
        prop_assert_eq!(schedule.period(first.number + STEPS).start, Some(end));
    }

    #[test]
    fn a_change_of_the_clock_leaves_no_gap(
        cadence in prop_oneof![Just(Cadence::every(Interval::Daily)), any_cadence()],
        (zone, at) in any_edge(),
        calendar in any::<bool>(),
        days in -40..40_i64,
    ) {
        let moved = (at.with_timezone(&zone).naive_local() + TimeDelta::days(days)).and_local_timezone(zone);
        let anchor = match moved.latest() {
            Some(moved) if !calendar => Anchor::At(moved.to_utc()),
            _ => Anchor::Calendar,
        };
        let schedule = Schedule { cadence, anchor, zone };
        let here = schedule.period_at(at);
        prop_assert!(here.contains(at));
        for number in here.number - 3..here.number + 3 {
            let (start, end) = check(&schedule, schedule.period(number))?;
            prop_assert_eq!(schedule.period(number + 1).start, Some(end));
            // The clock shows the time of the anchor, or what comes right after a skip.
            let time = match anchor {
                _ if cadence.interval < Interval::Daily => continue,
                Anchor::At(at) => at.with_timezone(&zone).time(),
                Anchor::Calendar => NaiveTime::MIN,
            };
            let shown = start.with_timezone(&zone).naive_local();
            let first = zone.from_local_datetime(&shown).earliest();
            prop_assert!(number == 0 || first == Some(start.with_timezone(&zone)), "{start} is the second");
            let before = (start - TimeDelta::microseconds(1)).with_timezone(&zone).naive_local();
            let skipped = shown - before > TimeDelta::minutes(29);
            let displaced = shown.time() == NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap();
            prop_assert!(shown.time() == time || skipped || displaced, "{shown} instead of {time}");
        }
    }

    #[test]
    fn the_anchor_starts_period_zero(cadence in any_cadence(), at in any_time(), zone in any_zone()) {
        let schedule = Schedule { cadence, anchor: Anchor::At(at), zone };
        if cadence.interval > Interval::Hourly {
            prop_assert_eq!(schedule.period_at(at).number, 0);
            prop_assert_eq!(schedule.period(0).start, Some(at));
        } else {
            let calendar = Schedule { anchor: Anchor::Calendar, ..schedule };
            prop_assert_eq!(schedule.period_at(at), calendar.period_at(at));
        }
    }

    #[test]
    fn month_ends_clamp_and_come_back(
        year in 1970..2090_i32,
        month in 1..=12_u32,
        day in 28..=31_u32,
        step in prop::sample::select(&[Interval::Monthly, Interval::Quarterly, Interval::SemiAnnual, Interval::Yearly][..]),
        zone in any_zone(),
    ) {
        // Noon: no zone changes its clock then.
        let day = (28..=day).rev().find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some()).unwrap();
        let anchor = NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(12, 0, 0);
        // Samoa had no 30 December 2011.
        let anchor = anchor.and_then(|noon| zone.from_local_datetime(&noon).single());
        prop_assume!(anchor.is_some());
        let anchor = anchor.unwrap().to_utc();
        let schedule = Schedule { cadence: step.into(), anchor: Anchor::At(anchor), zone };
        let months = match step {
            Interval::Monthly => 1,
            Interval::Quarterly => 3,
            Interval::SemiAnnual => 6,
            _ => 12,
        };
        for number in -STEPS..STEPS {
            let local = schedule.period(number).start.unwrap().with_timezone(&zone);
            let ordinal = i64::from(year) * 12 + i64::from(month) - 1 + number * months;
            let (year, month) = (ordinal.div_euclid(12) as i32, ordinal.rem_euclid(12) as u32 + 1);
            let last = (28..=31).rev().find(|last| NaiveDate::from_ymd_opt(year, month, *last).is_some()).unwrap();
            // Samoa had no 30 December 2011, and no noon on it.
            if zone.name() == "Pacific/Apia" && (year, month, day.min(last)) == (2011, 12, 30) {
                continue;
            }
            prop_assert_eq!((local.year(), local.month(), local.day()), (year, month, day.min(last)));
            prop_assert_eq!(local.hour(), 12);
        }
    }

    #[test]
    fn days_and_weeks_keep_the_local_time_of_day(at in any_time(), zone in any_zone(), weekly in any::<bool>(), number in -5_000..5_000_i64) {
        let cadence = Cadence::every(if weekly { Interval::Weekly } else { Interval::Daily });
        let schedule = Schedule { cadence, anchor: Anchor::At(at), zone };
        let wanted = at.with_timezone(&zone).naive_local() + TimeDelta::days(number * if weekly { 7 } else { 1 });
        let start = schedule.period(number).start.unwrap();
        match zone.from_local_datetime(&wanted) {
            chrono::LocalResult::Single(only) => prop_assert!(only == start || only == start + TimeDelta::microseconds(1)),
            chrono::LocalResult::Ambiguous(first, second) => {
                prop_assert!(first == start || number == 0 && second == start);
            }
            // Skipped: the clock shows a later time at the start and an earlier one just before.
            chrono::LocalResult::None => {
                prop_assert!(start.with_timezone(&zone).naive_local() > wanted || cadence.interval == Interval::Daily);
                let before = start - TimeDelta::microseconds(1);
                prop_assert!(before.with_timezone(&zone).naive_local() < wanted);
            }
        }
    }

    #[test]
    fn calendar_periods_start_where_the_calendar_does(cadence in cadence_of(&Interval::ALL[4..10]), at in any_time(), zone in any_zone()) {
        let period = Schedule { cadence, anchor: Anchor::Calendar, zone }.period_at(at);
        // The last microsecond of the day before stands for a day that the zone skipped.
        let local = (period.start.unwrap() + TimeDelta::microseconds(1)).with_timezone(&zone);
        prop_assert!(local.hour() <= 1, "{local}");
        let before = (period.start.unwrap() - TimeDelta::microseconds(1)).with_timezone(&zone).date_naive();
        let month = i64::from(local.year()) * 12 + i64::from(local.month0());
        let count = i64::from(cadence.count);
        match cadence.interval {
            Interval::Daily => prop_assert!(before <= local.date_naive()),
            Interval::Weekly => prop_assert_eq!(local.weekday(), chrono::Weekday::Mon),
            Interval::Monthly => prop_assert_eq!((local.day(), month % count), (1, 0)),
            Interval::Quarterly => prop_assert_eq!((local.day(), month % (3 * count)), (1, 0)),
            Interval::SemiAnnual => prop_assert_eq!((local.day(), month % (6 * count)), (1, 0)),
            _ => prop_assert_eq!((local.ordinal(), month % (12 * count)), (1, 0)),
        }
    }

    #[test]
    fn the_clock_decides_short_periods(cadence in cadence_of(&Interval::ALL[..4]), anchor in any_anchor(), at in any_time(), zone in any_zone()) {
        let minutes = match cadence.interval {
            Interval::Minutes5 => 5,
            Interval::Minutes15 => 15,
            Interval::Minutes30 => 30,
            _ => 60,
        } * i64::from(cadence.count);
        let period = Schedule { cadence, anchor, zone }.period_at(at);
        prop_assert_eq!(period.start.unwrap().timestamp(), period.number * minutes * 60);
        prop_assert_eq!(period.end.unwrap() - period.start.unwrap(), TimeDelta::minutes(minutes));
    }

    #[test]
    fn nothing_fails_at_the_ends(
        interval in prop::sample::select(&Interval::ALL[..]),
        count in any::<u32>(),
        anchor in any::<i64>(),
        at in any::<i64>(),
        number in any::<i64>(),
        zone in any_zone(),
    ) {
        let edge = |micros| Time::from_timestamp_micros(micros).unwrap_or(if micros < 0 { Time::MIN_UTC } else { Time::MAX_UTC });
        let schedule = Schedule { cadence: Cadence::new(interval, count), anchor: Anchor::At(edge(anchor)), zone };
        let period = schedule.period(number);
        prop_assert!(period.start.is_none() || period.end.is_none() || period.start < period.end);
        let period = schedule.period_at(edge(at));
        prop_assert!(period.start.is_none() || period.end.is_none() || period.start < period.end);
    }

    #[test]
    fn a_span_ends_later_and_in_order(months in 0..60_i64, days in 0..400_i64, micros in 0..90_000_000_000_i64, at in any_time(), zone in any_zone()) {
        let Some(span) = Span::new(months, days, micros) else { return Ok(()) };
        prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        let end = span.after(at, zone).unwrap();
        prop_assert!(end > at);
        let local = at.with_timezone(&zone).date_naive();
        let landed = (end - TimeDelta::microseconds(micros)).with_timezone(&zone).date_naive();
        let wanted = local.checked_add_months(chrono::Months::new(months as u32)).unwrap() + Days::new(days as u64);
        // A skipped local day lands on the next.
        prop_assert!(landed == wanted || landed == wanted + Days::new(1), "{landed} {wanted}");
    }
}
