//! Quantities never lose a digit: everything is compared with integers of any size.

use num_bigint::BigInt;
use owostack_domain::quantity::{Quantity, QuantityError};
use proptest::prelude::*;

const SCALE: i64 = 1_000_000_000;

/// Any value a user may give, small and large alike.
fn any_quantity() -> impl Strategy<Value = Quantity> {
    let limit = Quantity::LIMIT.raw();
    prop_oneof![
        (1 - limit..limit),
        (-1_000_000_000_000..1_000_000_000_000_i128),
        (-1_000..1_000_i128).prop_map(|units| units * i128::from(SCALE)),
        (-20..20_i128),
        (0..3_i128).prop_map(move |below| limit - 1 - below),
    ]
    .prop_map(Quantity::from_raw)
}

/// The floor of a quotient, found without a division that truncates.
fn floor(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let zero = BigInt::ZERO;
    let (dividend, divisor) = if *divisor < zero {
        (-dividend, -divisor)
    } else {
        (dividend.clone(), divisor.clone())
    };
    let remainder = ((&dividend % &divisor) + &divisor) % &divisor;
    (dividend - remainder) / divisor
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn printed_text_is_read_back(value in any_quantity()) {
        let text = value.to_string();
        prop_assert_eq!(Quantity::parse(&text), Ok(value));
        prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']));
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(&json, &text);
        prop_assert_eq!(serde_json::from_str::<Quantity>(&json).unwrap(), value);
    }

    #[test]
    fn text_and_billionths_agree(whole in "[0-9]{1,20}", fraction in "[0-9]{0,9}", zeros in "0{0,5}", negative in any::<bool>()) {
        let sign = if negative { "-" } else { "" };
        let padded: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        let raw: i128 = format!("{sign}{whole}{padded}").parse().unwrap();
        prop_assert_eq!(Quantity::parse(&format!("{sign}{whole}.{fraction}{zeros}")), Ok(Quantity::from_raw(raw)));
    }

    #[test]
    fn an_exponent_only_moves_the_point(value in any_quantity(), exponent in -40..40_i32) {
        let text = format!("{value}e{exponent}");
        let raw = BigInt::from(value.raw());
        let ten = BigInt::from(10).pow(exponent.unsigned_abs());
        let (moved, exact) = if exponent < 0 { (floor(&raw, &ten), &raw % &ten == BigInt::ZERO) } else { (raw * ten, true) };
        let small = BigInt::from(moved.magnitude().clone()) < BigInt::from(Quantity::LIMIT.raw());
        match Quantity::parse(&text) {
            Ok(read) => prop_assert_eq!(BigInt::from(read.raw()), moved),
            Err(QuantityError::TooPrecise) => prop_assert!(!exact),
            Err(QuantityError::OutOfRange) => prop_assert!(!small),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[-+0-9eE._ naif]{0,40}", any in ".*") {
        for text in [text, any] {
            if let Ok(value) = Quantity::parse(&text) {
                prop_assert!(value.is_in_range());
                prop_assert!(text.bytes().any(|byte| byte.is_ascii_digit()));
            }
        }
    }

    #[test]
    fn sums_are_exact(values in prop::collection::vec(any_quantity(), 0..200)) {
        let sum = Quantity::checked_sum(values.iter().copied()).unwrap();
        let exact: BigInt = values.iter().map(|value| BigInt::from(value.raw())).sum();
        prop_assert_eq!(BigInt::from(sum.raw()), exact);
        let back = values.iter().try_fold(sum, |left, value| left.checked_sub(*value));
        prop_assert_eq!(back, Some(Quantity::ZERO));
    }

    #[test]
    fn products_are_rounded_up_at_the_last_digit(left in any_quantity(), right in any_quantity()) {
        let product = BigInt::from(left.raw()) * BigInt::from(right.raw());
        let ceiling = -floor(&-product, &BigInt::from(SCALE));
        prop_assert_eq!(left.mul_ceil(right).map(|value| BigInt::from(value.raw())), i128::try_from(&ceiling).ok().map(BigInt::from));
        prop_assert_eq!(left.mul_ceil(right), right.mul_ceil(left));
        prop_assert_eq!(left.mul_ceil(Quantity::ONE), Some(left));
    }

    #[test]
    fn any_bits_are_multiplied_and_divided_exactly(left in any::<i128>(), right in any::<i128>(), shift in 0..127_u32) {
        let (left, right) = (left, right >> shift);
        let (big_left, big_right) = (BigInt::from(left), BigInt::from(right));
        let product = -floor(&-(&big_left * &big_right), &BigInt::from(SCALE));
        let (left, right) = (Quantity::from_raw(left), Quantity::from_raw(right));
        prop_assert_eq!(left.mul_ceil(right).map(Quantity::raw), i128::try_from(&product).ok());
        let quotient = (!right.is_zero()).then(|| floor(&(big_left * SCALE), &big_right));
        prop_assert_eq!(left.div_floor(right).map(Quantity::raw), quotient.and_then(|quotient| i128::try_from(&quotient).ok()));
    }

    #[test]
    fn credits_for_a_balance_never_cost_more_than_it(balance in any_quantity(), cost in any_quantity()) {
        let positive = |value: Quantity| Quantity::from_raw(value.raw().abs().max(1));
        let (balance, cost) = (positive(balance), positive(cost));
        let units = balance.div_floor(cost).unwrap();
        prop_assert!(units.mul_ceil(cost).is_some_and(|drawn| drawn <= balance), "{units}");
    }

    #[test]
    fn what_is_left_is_never_negative(left in any_quantity(), right in any_quantity()) {
        let rest = left.saturating_sub_to_zero(right);
        prop_assert!(!rest.is_negative());
        prop_assert_eq!(rest, left.checked_sub(right).unwrap().max(Quantity::ZERO));
        prop_assert_eq!(left.negate().negate(), left);
    }
}
