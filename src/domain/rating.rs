//! Rating: what a quantity of usage costs under the pricing of a plan feature.
//!
//! Called by `owo_rate`, by billing previews, by spend caps and when a period is closed. The caller
//! decides which quantity is billable: all of it, or what lies beyond the allowance.
//! Invariants: each line is rounded once and lines add up to the total; an amount that does not fit
//! is an error, never a smaller amount. Absent: currencies, taxes and who pays.

use std::fmt;

use serde::Serialize;

use crate::catalog::{Pricing, RatingModel, Tier};
use crate::money::{round_half_away, round_product};
use crate::quantity::Quantity;

/// What a quantity costs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rating {
    /// Sum of the lines, in minor units.
    pub amount: i64,
    /// The parts, none for a quantity of zero.
    pub lines: Vec<Line>,
}

/// One part of a rating: one tier, or all packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Place of the tier in the pricing, from zero; none for packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<usize>,
    /// Units that the line is about.
    pub units: Quantity,
    /// Started blocks of billing units, for packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<Quantity>,
    /// Minor units per unit, or per package.
    pub unit_price: Quantity,
    /// Charged once for entering the tier.
    #[serde(skip_serializing_if = "is_zero")]
    pub flat_fee: Quantity,
    /// Minor units, rounded.
    pub amount: i64,
}

/// Why a quantity has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatingError {
    /// The quantity is below zero.
    Negative,
    /// The amount exceeds 64 bits of minor units.
    OutOfRange,
}

impl fmt::Display for RatingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "quantity must not be negative",
            Self::OutOfRange => "amount is out of range",
        })
    }
}

impl std::error::Error for RatingError {}

/// Prices a billable quantity.
///
/// # Errors
/// When the quantity is negative or the amount exceeds 64 bits.
pub fn rate(pricing: &Pricing, quantity: Quantity) -> Result<Rating, RatingError> {
    if quantity.is_negative() {
        return Err(RatingError::Negative);
    }
    if quantity.is_zero() {
        return Ok(Rating::default());
    }
    let lines = match pricing.rating_model {
        RatingModel::Package => packages(pricing, quantity).map(|line| vec![line]),
        RatingModel::Graduated => graduated(&pricing.tiers, quantity),
        RatingModel::Volume => volume(&pricing.tiers, quantity),
    }
    .ok_or(RatingError::OutOfRange)?;
    let amount = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.amount))
        .ok_or(RatingError::OutOfRange)?;
    Ok(Rating { amount, lines })
}

/// What going on from one billable quantity to another costs; below zero for a return, and where
/// a volume tier is cheaper than the one before.
///
/// # Errors
/// As for [`rate`].
pub fn rate_between(
    pricing: &Pricing,
    before: Quantity,
    after: Quantity,
) -> Result<i64, RatingError> {
    let before = rate(pricing, before)?.amount;
    rate(pricing, after)?
        .amount
        .checked_sub(before)
        .ok_or(RatingError::OutOfRange)
}

/// Started blocks at one price.
fn packages(pricing: &Pricing, quantity: Quantity) -> Option<Line> {
    let size = pricing.billing_units.raw().max(1);
    let started = quantity.raw() / size + i128::from(quantity.raw() % size != 0);
    let packages = Quantity::from_raw(started.checked_mul(Quantity::ONE.raw())?);
    let unit_price = pricing.block_price();
    Some(Line {
        tier: None,
        units: quantity,
        packages: Some(packages),
        unit_price,
        flat_fee: Quantity::ZERO,
        amount: round_product(unit_price, packages)?,
    })
}

/// Each unit at the price of the tier that it falls into.
fn graduated(tiers: &[Tier], quantity: Quantity) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    let mut floor = Quantity::ZERO;
    for (place, tier) in tiers.iter().enumerate() {
        let ceiling = bound(tiers, place).map_or(quantity, |bound| bound.min(quantity));
        if ceiling > floor {
            lines.push(tier_line(place, tier, ceiling.checked_sub(floor)?)?);
            floor = ceiling;
        }
    }
    Some(lines)
}

/// All units at the price of the tier reached.
fn volume(tiers: &[Tier], quantity: Quantity) -> Option<Vec<Line>> {
    let reached = |place| bound(tiers, place).is_none_or(|bound| quantity <= bound);
    match tiers.iter().enumerate().find(|(place, _)| reached(*place)) {
        Some((place, tier)) => Some(vec![tier_line(place, tier, quantity)?]),
        None => Some(Vec::new()),
    }
}

/// Last quantity that a tier holds for; the last tier goes on beyond its own bound.
fn bound(tiers: &[Tier], place: usize) -> Option<Quantity> {
    if place + 1 >= tiers.len() {
        None
    } else {
        tiers.get(place)?.up_to
    }
}

/// Units at the price of one tier, with its fee.
fn tier_line(place: usize, tier: &Tier, units: Quantity) -> Option<Line> {
    let scale = Quantity::ONE.raw();
    let price = tier.unit_price.raw().checked_mul(units.raw())?;
    let exact = price.checked_add(tier.flat_fee.raw().checked_mul(scale)?)?;
    Some(Line {
        tier: Some(place),
        units,
        packages: None,
        unit_price: tier.unit_price,
        flat_fee: tier.flat_fee,
        amount: i64::try_from(round_half_away(exact, scale * scale)).ok()?,
    })
}

/// Serde asks by reference.
fn is_zero(value: &Quantity) -> bool {
    value.is_zero()
}

#[cfg(test)]
mod tests {
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
}
