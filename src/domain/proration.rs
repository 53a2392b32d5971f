//! Proration: what the rest of a paid period is worth.
//!
//! Called by `switch` for credits and charges, each rounded by itself. Invariant: the parts before
//! and after a moment differ from the whole by rounding alone. A started second counts as unused,
//! so a switch within the second of the start moves the whole price.

use crate::money::round_half_away;
use crate::period::Time;

/// The share of a period's price that falls after a moment, in minor units.
///
/// Nothing after the end, the whole price before the start, and nothing for an empty period.
#[must_use]
pub fn remaining(price: i64, start: Time, end: Time, at: Time) -> i64 {
    let total = end.signed_duration_since(start).num_seconds();
    if total <= 0 || at >= end {
        return 0;
    }
    let elapsed = at.signed_duration_since(start).num_seconds();
    let rest = total.saturating_sub(elapsed).clamp(0, total);
    let amount = round_half_away(i128::from(price) * i128::from(rest), i128::from(total));
    // At most the price itself, so it fits.
    i64::try_from(amount).unwrap_or(price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(seconds: i64) -> Time {
        Time::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn twenty_to_fifty_at_half_is_fifteen() {
        let credit = remaining(2_000, time(0), time(100), time(50));
        let charge = remaining(5_000, time(0), time(100), time(50));
        assert_eq!(charge - credit, 1_500);
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(remaining(1, time(0), time(2), time(1)), 1);
        assert_eq!(remaining(3, time(0), time(3), time(2)), 1);
        assert_eq!(remaining(5, time(0), time(4), time(3)), 1);
        assert_eq!(remaining(6, time(0), time(4), time(3)), 2);
    }

    #[test]
    fn outside_of_the_period_it_is_all_or_nothing() {
        assert_eq!(remaining(700, time(10), time(20), time(5)), 700);
        assert_eq!(remaining(700, time(10), time(20), time(20)), 0);
        assert_eq!(remaining(700, time(20), time(20), time(20)), 0);
    }

    proptest! {
        #[test]
        fn never_more_than_the_price_and_never_growing(
            price in 0_i64..1_000_000_000_000,
            length in 1_i64..40_000_000,
            first in 0_i64..40_000_000,
            later in 0_i64..40_000_000,
        ) {
            let (first, later) = (first.min(later), first.max(later));
            let value = |at| remaining(price, time(0), time(length), time(at));
            prop_assert!(value(first) <= price);
            prop_assert!(value(later) <= value(first));
            prop_assert!(value(later) >= 0);
        }
    }
}
