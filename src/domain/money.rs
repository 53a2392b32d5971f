//! Money: ISO 4217 currencies, integer minor units, and the one place where money is rounded.
//!
//! Rating, proration and invoices call the rounding here and nothing else rounds an amount.
//! Invariant: an amount is an `i64` of minor units, so sums of amounts are exact.
//! Absent: exchange rates; amounts of different currencies never meet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quantity::Quantity;

/// Codes with two minor digits.
const TWO_DIGITS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD \
    BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

/// Codes without minor digits.
const NO_DIGITS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";

/// Codes with three minor digits.
const THREE_DIGITS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// A currency in circulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: &'static str,
    digits: u32,
}

/// A text that is no currency code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyError {
    text: String,
}

impl fmt::Display for CurrencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown currency \"{}\"", self.text)
    }
}

impl std::error::Error for CurrencyError {}

impl Currency {
    /// Reads an ISO 4217 code, in any case.
    ///
    /// # Errors
    /// When no currency in circulation has the code.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        [(TWO_DIGITS, 2), (NO_DIGITS, 0), (THREE_DIGITS, 3)]
            .into_iter()
            .find_map(|(codes, digits)| {
                let code = codes
                    .split_ascii_whitespace()
                    .find(|code| code.eq_ignore_ascii_case(text))?;
                Some(Self { code, digits })
            })
            .ok_or_else(|| CurrencyError {
                text: text.to_owned(),
            })
    }

    /// The upper-case code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.code
    }

    /// How many decimals one major unit has.
    #[must_use]
    pub const fn digits(self) -> u32 {
        self.digits
    }

    /// An amount of minor units as decimal text of major units, such as `12.30`.
    #[must_use]
    pub fn major_text(self, amount: i64) -> String {
        let sign = if amount < 0 { "-" } else { "" };
        let minor = amount.unsigned_abs();
        let scale = 10_u64.pow(self.digits);
        match usize::try_from(self.digits) {
            Ok(width) if width > 0 => format!("{sign}{}.{:0width$}", minor / scale, minor % scale),
            _ => format!("{sign}{minor}"),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The quotient rounded to the nearest integer, halves away from zero.
///
/// No caller divides by zero; the answer would be zero. Saturates where 128 bits end.
#[must_use]
pub const fn round_half_away(numerator: i128, denominator: i128) -> i128 {
    let (Some(quotient), Some(remainder)) = (
        numerator.checked_div(denominator),
        numerator.checked_rem(denominator),
    ) else {
        return if denominator == 0 { 0 } else { i128::MAX };
    };
    // Twice the remainder could overflow; its distance to the denominator cannot.
    let size = remainder.unsigned_abs();
    if size < denominator.unsigned_abs() - size {
        quotient
    } else if (numerator < 0) == (denominator < 0) {
        quotient.saturating_add(1)
    } else {
        quotient.saturating_sub(1)
    }
}

/// A price per unit times a number of units, in whole minor units; `None` beyond 64 bits.
#[must_use]
pub fn round_product(price: Quantity, quantity: Quantity) -> Option<i64> {
    let unit = Quantity::ONE.raw();
    // A product that overflows 128 bits is beyond 10^20 minor units anyway.
    let product = price.raw().checked_mul(quantity.raw())?;
    i64::try_from(round_half_away(product, unit * unit)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knows_the_digits_of_each_currency() {
        for (text, code, digits) in [
            ("usd", "USD", 2),
            ("JPY", "JPY", 0),
            ("Kwd", "KWD", 3),
            ("NGN", "NGN", 2),
        ] {
            let currency = Currency::parse(text).unwrap();
            assert_eq!((currency.as_str(), currency.digits()), (code, digits));
        }
        for text in ["", "US", "USDX", "ABC", "US ", "USD EUR", "ÜSD"] {
            assert!(Currency::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_hold_each_code_once() {
        let mut codes: Vec<&str> = [TWO_DIGITS, NO_DIGITS, THREE_DIGITS]
            .iter()
            .flat_map(|list| list.split_ascii_whitespace())
            .collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(
            codes
                .iter()
                .all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        );
    }

    #[test]
    fn prints_major_units() {
        for (code, amount, text) in [
            ("USD", 1230, "12.30"),
            ("USD", -5, "-0.05"),
            ("JPY", 500, "500"),
            ("KWD", 1, "0.001"),
            ("USD", i64::MIN, "-92233720368547758.08"),
        ] {
            assert_eq!(Currency::parse(code).unwrap().major_text(amount), text);
        }
    }

    #[test]
    fn rounds_halves_away_from_zero() {
        for (numerator, denominator, rounded) in [
            (1, 2, 1),
            (-1, 2, -1),
            (1, -2, -1),
            (-1, -2, 1),
            (3, 2, 2),
            (49, 100, 0),
            (50, 100, 1),
            (-50, 100, -1),
            (4, 3, 1),
            (5, 3, 2),
            (0, 7, 0),
            (7, 0, 0),
            (i128::MAX, 1, i128::MAX),
            (i128::MIN, -1, i128::MAX),
            (i128::MAX, i128::MIN, -1),
            (i128::MIN, i128::MIN, 1),
            (i128::MIN, 1, i128::MIN),
        ] {
            assert_eq!(
                round_half_away(numerator, denominator),
                rounded,
                "{numerator}/{denominator}"
            );
        }
    }

    #[test]
    fn prices_below_a_minor_unit_are_rounded_once() {
        let quantity = |text| Quantity::parse(text).unwrap();
        assert_eq!(round_product(quantity("0.004"), quantity("125")), Some(1));
        assert_eq!(round_product(quantity("0.004"), quantity("124")), Some(0));
        assert_eq!(round_product(quantity("-0.5"), quantity("1")), Some(-1));
        assert_eq!(
            round_product(quantity("9223372036854775807.4"), quantity("1")),
            Some(i64::MAX)
        );
        assert_eq!(
            round_product(quantity("9223372036854775807.5"), quantity("1")),
            None
        );
        assert_eq!(round_product(quantity("1e19"), quantity("1e19")), None);
    }

    proptest! {
        #[test]
        fn rounding_is_never_off_by_more_than_a_half(numerator in any::<i64>(), denominator in any::<i32>()) {
            prop_assume!(denominator != 0);
            let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
            let rounded = round_half_away(numerator, denominator);
            let error = (rounded * denominator - numerator).abs();
            prop_assert!(error * 2 <= denominator.abs());
            if error * 2 == denominator.abs() {
                prop_assert!((rounded * denominator).abs() > numerator.abs());
            }
            prop_assert_eq!(round_half_away(-numerator, denominator), -rounded);
        }

        #[test]
        fn any_text_of_three_letters_is_read_in_any_case(text in "[a-zA-Z]{3}") {
            let upper = Currency::parse(&text.to_ascii_uppercase());
            prop_assert_eq!(Currency::parse(&text).ok(), upper.clone().ok());
            if let Ok(currency) = upper {
                prop_assert_eq!(currency.to_string(), text.to_ascii_uppercase());
                prop_assert!(matches!(currency.digits(), 0 | 2 | 3));
            }
        }
    }
}
