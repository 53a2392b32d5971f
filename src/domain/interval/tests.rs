//! Words, printed forms and monthly prices of intervals.

use super::*;

#[test]
fn reads_every_spelling() {
    for (texts, interval) in [
        (&["5min", "5 Minutes", "5MIN"][..], Interval::Minutes5),
        (&["hour", "HOURLY"], Interval::Hourly),
        (&["day", "Daily"], Interval::Daily),
        (&["week", "weekly"], Interval::Weekly),
        (&["month", "monthly"], Interval::Monthly),
        (&["quarter", "quarterly"], Interval::Quarterly),
        (
            &["semi_annual", "biannually", "half_yearly", "half-yearly"],
            Interval::SemiAnnual,
        ),
        (&["year", "yearly", "annually", "annual"], Interval::Yearly),
        (&["never", "none"], Interval::Never),
    ] {
        for text in texts {
            assert_eq!(Interval::parse(text), Ok(interval), "{text}");
            assert_eq!(Reset::parse(text), Ok(Reset::Every(interval)), "{text}");
        }
    }
    assert_eq!(Reset::parse("billing_period"), Ok(Reset::BillingPeriod));
    assert_eq!(Reset::parse("billingPeriod"), Ok(Reset::BillingPeriod));
    for text in ["", "fortnightly", "billing_period", "6min", "monthly*2"] {
        assert!(Interval::parse(text).is_err(), "{text}");
    }
    assert_eq!(
        Interval::parse("dayly").unwrap_err().to_string(),
        "unknown interval \"dayly\""
    );
}

#[test]
fn prints_what_it_reads() {
    for interval in Interval::ALL {
        assert_eq!(Interval::parse(interval.as_str()), Ok(interval));
        for count in [1, 2, 7, u32::MAX] {
            let cadence = Cadence::new(interval, count);
            assert_eq!(Cadence::parse(&cadence.to_string()), Ok(cadence));
        }
    }
    assert_eq!(Cadence::new(Interval::Monthly, 2).to_string(), "monthly*2");
    assert_eq!(Cadence::new(Interval::Never, 3).to_string(), "never");
    for text in ["monthly*0", "monthly*", "monthly*-1", "*2"] {
        assert!(Cadence::parse(text).is_err(), "{text}");
    }
}

#[test]
fn compares_prices_per_month() {
    let cadence = Cadence::every;
    let same = |left: Cadence, amount, right: Cadence, other| {
        assert_eq!(
            left.compare_per_month(amount, right, other),
            Ordering::Equal,
            "{left} {right}"
        );
    };
    same(
        cadence(Interval::Yearly),
        1200,
        cadence(Interval::Monthly),
        100,
    );
    same(
        cadence(Interval::Quarterly),
        900,
        cadence(Interval::Daily),
        10,
    );
    same(
        cadence(Interval::Weekly),
        25,
        cadence(Interval::Monthly),
        100,
    );
    same(
        cadence(Interval::SemiAnnual),
        600,
        Cadence::new(Interval::Monthly, 3),
        300,
    );
    assert_eq!(
        cadence(Interval::Yearly).compare_per_month(1199, cadence(Interval::Monthly), 100),
        Ordering::Less,
    );
    let widest = Cadence::new(Interval::Yearly, u32::MAX);
    assert_eq!(
        widest.compare_per_month(i64::MAX, cadence(Interval::Minutes5), i64::MIN),
        Ordering::Greater,
    );
}
