//! Ratings add up, never go down and never wrap; whole units are priced one by one for comparison.

use num_bigint::BigInt;
use owostack_domain::catalog::{Pricing, RatingModel, Tier, UsageModel};
use owostack_domain::quantity::Quantity;
use owostack_domain::rating::{RatingError, rate, rate_between};
use proptest::prelude::*;

/// A number of billionths up to some whole number of units.
fn up_to(units: i64) -> impl Strategy<Value = Quantity> + Clone {
    let raw = i128::from(units) * Quantity::ONE.raw();
    prop_oneof![
        0..=raw,
        (0..=i128::from(units)).prop_map(|units| units * Quantity::ONE.raw())
    ]
    .prop_map(Quantity::from_raw)
}

/// Ascending tiers, the last one with or without a bound.
fn any_tiers(
    price: impl Strategy<Value = Quantity> + Clone,
    step: i64,
) -> impl Strategy<Value = Vec<Tier>> {
    let tier = (1..=step, price.clone(), price);
    (prop::collection::vec(tier, 1..6), any::<bool>()).prop_map(|(parts, finite)| {
        let mut floor = 0;
        let last = parts.len() - 1;
        parts
            .into_iter()
            .enumerate()
            .map(|(place, (width, unit_price, flat_fee))| {
                floor += width;
                let bounded = place < last || finite;
                Tier {
                    up_to: bounded.then(|| Quantity::from_int(floor)),
                    unit_price,
                    flat_fee,
                }
            })
            .collect()
    })
}

fn any_pricing() -> impl Strategy<Value = Pricing> {
    (
        prop::sample::select(
            &[
                RatingModel::Package,
                RatingModel::Graduated,
                RatingModel::Volume,
            ][..],
        ),
        any_tiers(up_to(1_000), 500),
        up_to(1_000),
        up_to(50),
        prop::option::of(up_to(1_000)),
        prop::sample::select(&[UsageModel::Included, UsageModel::UsageBased][..]),
    )
        .prop_map(
            |(rating_model, tiers, price_per_unit, billing_units, overage_price, usage_model)| {
                Pricing {
                    usage_model,
                    rating_model,
                    price_per_unit,
                    billing_units: billing_units.max(Quantity::from_raw(1)),
                    tiers: if rating_model == RatingModel::Package {
                        Vec::new()
                    } else {
                        tiers
                    },
                    overage_price,
                }
            },
        )
}

/// Twice the exact cost of a line, in 10^-18 minor units.
fn twice_exact(units: Quantity, price: Quantity, fee: Quantity) -> BigInt {
    let scale = BigInt::from(Quantity::ONE.raw());
    (BigInt::from(units.raw()) * price.raw() + BigInt::from(fee.raw()) * scale) * 2
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn lines_sum_to_the_total_and_cover_the_quantity(pricing in any_pricing(), quantity in up_to(4_000)) {
        let rating = rate(&pricing, quantity).unwrap();
        prop_assert_eq!(rating.lines.iter().map(|line| line.amount).sum::<i64>(), rating.amount);
        let units = Quantity::checked_sum(rating.lines.iter().map(|line| line.units));
        prop_assert_eq!(units, Some(quantity));
        prop_assert!(rating.amount >= 0);
        for line in &rating.lines {
            // Rounded once: never off by more than half a minor unit.
            let counted = line.packages.unwrap_or(line.units);
            let unit = BigInt::from(Quantity::ONE.raw()) * Quantity::ONE.raw();
            let error = twice_exact(counted, line.unit_price, line.flat_fee) - BigInt::from(line.amount) * &unit * 2;
            prop_assert!(error < unit && error >= -unit);
        }
    }

    #[test]
    fn more_never_costs_less(pricing in any_pricing(), first in up_to(4_000), second in up_to(4_000)) {
        let (less, more) = (first.min(second), first.max(second));
        let (low, high) = (rate(&pricing, less).unwrap(), rate(&pricing, more).unwrap());
        let same_tier = low.lines.first().map(|line| line.tier) == high.lines.first().map(|line| line.tier);
        // A volume tier may be cheaper than the one before it; within one the rule holds.
        if pricing.rating_model != RatingModel::Volume || same_tier {
            prop_assert!(low.amount <= high.amount);
        }
        prop_assert_eq!(rate_between(&pricing, less, more), Ok(high.amount - low.amount));
    }

    #[test]
    fn whole_units_cost_the_same_one_by_one(
        tiers in any_tiers((0..100_i64).prop_map(Quantity::from_int), 20),
        size in 1..30_i64,
        price in 0..100_i64,
        quantity in 0..120_i64,
    ) {
        let whole = |value: Quantity| value.raw() / Quantity::ONE.raw();
        let tier_of = |unit: i64| {
            let inside = |tier: &&Tier| tier.up_to.is_none_or(|bound| Quantity::from_int(unit) <= bound);
            tiers.iter().find(inside).unwrap_or(tiers.last().unwrap())
        };
        let mut graduated = 0;
        let mut entered: Vec<&Tier> = Vec::new();
        for unit in 1..=quantity {
            let tier = tier_of(unit);
            if !entered.iter().any(|known| std::ptr::eq(*known, tier)) {
                entered.push(tier);
                graduated += whole(tier.flat_fee);
            }
            graduated += whole(tier.unit_price);
        }
        let reached = tier_of(quantity);
        let volume = if quantity == 0 { 0 } else { whole(reached.unit_price) * i128::from(quantity) + whole(reached.flat_fee) };
        let package = (1..=quantity).filter(|unit| unit % size == 1 % size).count() as i128 * i128::from(price);
        let mut pricing = Pricing {
            usage_model: UsageModel::UsageBased,
            rating_model: RatingModel::Graduated,
            billing_units: Quantity::from_int(size),
            price_per_unit: Quantity::from_int(price),
            tiers: tiers.clone(),
            overage_price: None,
        };
        let quantity = Quantity::from_int(quantity);
        prop_assert_eq!(i128::from(rate(&pricing, quantity).unwrap().amount), graduated);
        pricing.rating_model = RatingModel::Volume;
        prop_assert_eq!(i128::from(rate(&pricing, quantity).unwrap().amount), volume);
        pricing.rating_model = RatingModel::Package;
        prop_assert_eq!(i128::from(rate(&pricing, quantity).unwrap().amount), package);
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error(
        pricing in any_pricing(),
        price in 1..i128::from(i64::MAX),
        quantity in 1..Quantity::LIMIT.raw(),
    ) {
        let (price, quantity) = (Quantity::from_raw(price), Quantity::from_raw(quantity));
        let mut pricing = Pricing { price_per_unit: price, overage_price: None, ..pricing };
        for tier in &mut pricing.tiers {
            tier.unit_price = price;
            tier.flat_fee = Quantity::ZERO;
        }
        let packages = || {
            let size = pricing.billing_units.raw();
            BigInt::from((quantity.raw() + size - 1) / size) * Quantity::ONE.raw()
        };
        let counted = if pricing.rating_model == RatingModel::Package { packages() } else { BigInt::from(quantity.raw()) };
        let exact = counted * price.raw() / (BigInt::from(Quantity::ONE.raw()) * Quantity::ONE.raw());
        let lines = BigInt::from(pricing.tiers.len() + 1);
        match rate(&pricing, quantity) {
            Ok(rating) => {
                let error = exact - rating.amount;
                prop_assert!(error <= lines && error >= -lines);
            }
            Err(error) => {
                prop_assert_eq!(error, RatingError::OutOfRange);
                prop_assert!(exact + lines >= BigInt::from(i64::MAX));
            }
        }
    }
}
