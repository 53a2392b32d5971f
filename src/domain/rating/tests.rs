//! Prices by hand: packages, tiers and what does not fit.

use super::*;
use crate::catalog::UsageModel;

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn tier(up_to: Option<&str>, unit_price: &str, flat_fee: &str) -> Tier {
    Tier {
        up_to: up_to.map(quantity),
        unit_price: quantity(unit_price),
        flat_fee: quantity(flat_fee),
    }
}

fn tiered(rating_model: RatingModel, last: Option<&str>) -> Pricing {
    let tiers = vec![
        tier(Some("1000"), "10", "0"),
        tier(Some("10000"), "7", "500"),
        tier(last, "5", "100"),
    ];
    Pricing {
        usage_model: UsageModel::UsageBased,
        rating_model,
        tiers,
        ..Pricing::default()
    }
}

fn packaged(billing_units: &str, price: &str) -> Pricing {
    Pricing {
        usage_model: UsageModel::UsageBased,
        billing_units: quantity(billing_units),
        price_per_unit: quantity(price),
        ..Pricing::default()
    }
}

#[track_caller]
fn amounts(pricing: &Pricing, cases: &[(&str, i64)]) {
    for (units, amount) in cases {
        assert_eq!(
            rate(pricing, quantity(units)).map(|rating| rating.amount),
            Ok(*amount),
            "{units}"
        );
    }
}

#[test]
fn a_started_package_is_a_whole_one() {
    amounts(
        &packaged("1000", "500"),
        &[
            ("0", 0),
            ("0.000000001", 500),
            ("1000", 500),
            ("1000.000000001", 1000),
            ("2001", 1500),
        ],
    );
    // Rounded once, after packages are counted: half a minor unit each.
    amounts(
        &packaged("1", "0.5"),
        &[("1", 1), ("2", 1), ("3", 2), ("4", 2)],
    );
    amounts(&packaged("0.5", "3"), &[("0.5", 3), ("1", 6), ("1.1", 9)]);
    let overage = Pricing {
        usage_model: UsageModel::Included,
        overage_price: Some(quantity("7")),
        ..packaged("1", "3")
    };
    amounts(&overage, &[("2", 14)]);
    amounts(
        &Pricing {
            usage_model: UsageModel::UsageBased,
            ..overage
        },
        &[("2", 6)],
    );
}

#[test]
fn graduated_bounds_are_cumulative_and_inclusive() {
    for last in [None, Some("20000")] {
        amounts(
            &tiered(RatingModel::Graduated, last),
            &[
                ("0", 0),
                ("1", 10),
                ("1000", 10_000),
                ("1000.5", 10_000 + 504),
                ("1001", 10_000 + 507),
                ("10000", 10_000 + 500 + 63_000),
                ("10001", 73_500 + 105),
                // Beyond a finite last tier its price goes on.
                ("20001", 73_500 + 100 + 50_005),
            ],
        );
    }
}

#[test]
fn volume_prices_all_units_by_the_tier_reached() {
    for last in [None, Some("20000")] {
        amounts(
            &tiered(RatingModel::Volume, last),
            &[
                ("0", 0),
                ("1000", 10_000),
                ("1001", 7_507),
                ("10000", 70_500),
                ("10001", 50_105),
                ("20001", 100_105),
            ],
        );
    }
}

#[test]
fn lines_say_how_the_total_came_about() {
    let rating = rate(&tiered(RatingModel::Graduated, None), quantity("1002")).unwrap();
    assert_eq!(
        serde_json::to_string(&rating).unwrap(),
        r#"{"amount":10514,"lines":[{"tier":0,"units":1000,"unitPrice":10,"amount":10000},{"tier":1,"units":2,"unitPrice":7,"flatFee":500,"amount":514}]}"#,
    );
    let rating = rate(&packaged("1000", "500"), quantity("1001")).unwrap();
    assert_eq!(
        serde_json::to_string(&rating.lines).unwrap(),
        r#"[{"units":1001,"packages":2,"unitPrice":500,"amount":1000}]"#,
    );
}

#[test]
fn what_has_no_price_is_an_error() {
    let pricing = tiered(RatingModel::Graduated, None);
    assert_eq!(rate(&pricing, quantity("-1")), Err(RatingError::Negative));
    assert_eq!(
        rate(&pricing, quantity("99999999999999999999")),
        Err(RatingError::OutOfRange)
    );
    let dear = packaged("0.000000001", "99999999999999999999");
    assert_eq!(
        rate(&dear, quantity("99999999999999999999")),
        Err(RatingError::OutOfRange)
    );
    assert_eq!(
        rate(&packaged("1", "9223372036854775807"), quantity("1"))
            .unwrap()
            .amount,
        i64::MAX
    );
    assert_eq!(
        rate(&packaged("1", "9223372036854775808"), quantity("1")),
        Err(RatingError::OutOfRange)
    );
    // Each line fits and their sum does not.
    let half = "4611686018427387904";
    let tiers = vec![tier(Some("1"), half, "0"), tier(None, half, "0")];
    let sum = Pricing { tiers, ..pricing };
    assert_eq!(rate(&sum, quantity("1")).unwrap().amount, 1 << 62);
    assert_eq!(rate(&sum, quantity("2")), Err(RatingError::OutOfRange));
}

#[test]
fn going_on_costs_the_difference() {
    let graduated = tiered(RatingModel::Graduated, None);
    assert_eq!(
        rate_between(&graduated, quantity("999"), quantity("1001")),
        Ok(517)
    );
    assert_eq!(
        rate_between(&graduated, quantity("1001"), quantity("999")),
        Ok(-517)
    );
    let volume = tiered(RatingModel::Volume, None);
    assert_eq!(
        rate_between(&volume, quantity("1000"), quantity("1001")),
        Ok(-2_493)
    );
}
