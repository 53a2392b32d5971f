//! Spans as people write them, and when they end.

use super::*;

fn span(text: &str) -> Span {
    parse_span(text).unwrap()
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn reads_what_people_write() {
    for (text, printed) in [
        ("30", "30 days"),
        ("1.5", "1 day 12 hours"),
        ("30 days", "30 days"),
        ("2 months", "2 months"),
        ("1 year 3 months", "1 year 3 months"),
        ("15 mons", "1 year 3 months"),
        ("12 hours", "12 hours"),
        ("P1M", "1 month"),
        (
            "P1Y2M3W4DT5H6M7S",
            "1 year 2 months 25 days 5 hours 6 minutes 7 seconds",
        ),
        ("PT0.5S", "500000 microseconds"),
        ("1 day 12:30:00", "1 day 12 hours 30 minutes"),
        ("90min", "1 hour 30 minutes"),
        ("2 WEEKS", "14 days"),
        ("1 quarter", "3 months"),
        ("0.5 years", "6 months"),
    ] {
        assert_eq!(span(text).to_string(), printed, "{text}");
        assert_eq!(span(printed), span(text), "{text}");
    }
}

#[test]
fn refuses_what_is_no_length() {
    for text in [
        "",
        "0",
        "-1",
        "0 days",
        "-1 day",
        "days",
        "P",
        "PT",
        "P1",
        "1 parsec",
        "0.5 months",
        "P1DT",
        "1 day 2",
        "400000 days",
        "1e300",
        "12001 months",
        "NaN days",
        "1 0.0000001 seconds",
        "1:2:3:4",
        "monthly",
        "p1m1",
    ] {
        assert!(parse_span(text).is_err(), "{text}");
    }
}

#[test]
fn adds_months_days_then_clock_time() {
    let berlin = chrono_tz::Europe::Berlin;
    for (text, at, after) in [
        ("1 month", "2024-01-31T12:00:00Z", "2024-02-29T12:00:00Z"),
        (
            "1 month 1 day",
            "2024-01-31T12:00:00Z",
            "2024-03-01T12:00:00Z",
        ),
        ("1 day", "2024-03-30T12:00:00Z", "2024-03-31T11:00:00Z"),
        ("24 hours", "2024-03-30T12:00:00Z", "2024-03-31T12:00:00Z"),
        ("1 hour", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"),
        ("1 day", "2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z"),
    ] {
        assert_eq!(
            span(text).after(time(at), berlin),
            Some(time(after)),
            "{text}"
        );
    }
    assert_eq!(span("1000 years").after(Time::MAX_UTC, berlin), None);
}

#[test]
fn travels_through_json() {
    assert_eq!(serde_json::from_str::<Span>("30").unwrap(), span("30 days"));
    assert_eq!(
        serde_json::from_str::<Span>("\"1 month\"").unwrap(),
        span("1 month")
    );
    assert_eq!(
        serde_json::to_string(&span("36 hours")).unwrap(),
        "\"36 hours\""
    );
    assert!(serde_json::from_str::<Span>("null").is_err());
    assert!(serde_json::from_str::<Span>("0").is_err());
}
