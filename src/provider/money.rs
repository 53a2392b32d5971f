//! Money on the wire: providers count minor units of their own for some currencies.
//!
//! Used by every builder and reader of amounts. Invariant: an amount is converted exactly or not
//! at all; nothing is rounded here.

use owostack_domain::money::Currency;
use serde::{Deserialize, Serialize};

use crate::outcome::Refusal;

/// An amount in the minor units of the domain, which are those of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount: i64,
    /// Their currency.
    pub currency: Currency,
}

/// How many decimals a provider gives one major unit of a currency.
pub(crate) type Digits = fn(Currency) -> u32;

/// The amount as the provider counts it.
///
/// # Errors
/// When the provider has fewer decimals than the amount needs, or the number is too large.
pub(crate) fn to_wire(money: Money, digits: Digits) -> Result<i64, Refusal> {
    shifted(
        money.amount,
        money.currency.digits(),
        digits(money.currency),
    )
    .ok_or_else(|| {
        Refusal::invalid(format!(
            "the provider cannot take {} {}",
            money.currency.major_text(money.amount),
            money.currency
        ))
    })
}

/// An amount of the provider in our minor units; `None` when it is no whole number of them.
pub(crate) fn from_wire(amount: i64, currency: &str, digits: Digits) -> Option<Money> {
    let currency = Currency::parse(currency).ok()?;
    let amount = shifted(amount, digits(currency), currency.digits())?;
    Some(Money { amount, currency })
}

/// The amount with another number of decimals, when that is exact.
fn shifted(amount: i64, from: u32, to: u32) -> Option<i64> {
    if to >= from {
        amount.checked_mul(10_i64.checked_pow(to - from)?)
    } else {
        let step = 10_i64.checked_pow(from - to)?;
        (amount.checked_rem(step)? == 0).then_some(amount / step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, code: &str) -> Money {
        Money {
            amount,
            currency: Currency::parse(code).unwrap(),
        }
    }

    #[test]
    fn converts_exactly_or_not_at_all() {
        assert_eq!(to_wire(money(500, "JPY"), |_| 0), Ok(500));
        assert_eq!(to_wire(money(500, "JPY"), |_| 2), Ok(50_000));
        assert_eq!(to_wire(money(500, "MGA"), |_| 0), Ok(5));
        assert!(to_wire(money(501, "MGA"), |_| 0).is_err());
        assert!(to_wire(money(i64::MAX, "JPY"), |_| 2).is_err());
        assert_eq!(from_wire(50_000, "jpy", |_| 2), Some(money(500, "JPY")));
        assert_eq!(from_wire(50_001, "jpy", |_| 2), None);
        assert_eq!(from_wire(1, "zzz", |_| 2), None);
    }
}
