//! Quantities: exact decimal amounts of usage, limits, credits and fractional prices.
//!
//! Every other module counts with these; the SQL face converts `numeric` to and from them.
//! Invariant: a value is an integer number of billionths, and no operation here drops a digit: the
//! two that must round say in their name which way. Floating point is deliberately absent.

use std::fmt;
use std::str::FromStr;

use num_bigint::BigInt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decimal digits kept after the point.
pub const DECIMALS: u32 = 9;

/// Billionths in one unit.
const SCALE: i128 = 1_000_000_000;

/// Digits before the point that a quantity read from outside may have.
const INTEGER_DIGITS: i64 = 20;

/// Largest exponent worth telling apart: anything beyond is out of range or too precise anyway.
const EXPONENT_CAP: i64 = 1_000_000_000;

/// An exact amount with nine decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i128);

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// The text is not a decimal number.
    NotANumber,
    /// NaN or an infinity.
    NotFinite,
    /// A digit other than zero stands beyond the ninth decimal.
    TooPrecise,
    /// The magnitude is 10^20 or more.
    OutOfRange,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "not a number",
            Self::NotFinite => "must be a finite number",
            Self::TooPrecise => "must have at most 9 decimals",
            Self::OutOfRange => "must be below 10^20",
        })
    }
}

impl std::error::Error for QuantityError {}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One unit.
    pub const ONE: Self = Self(SCALE);
    /// 10^20, the first value out of range.
    pub const LIMIT: Self = Self(100_000_000_000_000_000_000 * SCALE);

    /// The quantity of that many billionths.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Self {
        Self(raw)
    }

    /// The number of billionths.
    #[must_use]
    pub const fn raw(self) -> i128 {
        self.0
    }

    /// A whole number of units.
    #[must_use]
    pub const fn from_int(units: i64) -> Self {
        // i64 times 10^9 stays far inside i128.
        Self(units as i128 * SCALE)
    }

    /// Reads decimal text, with an optional sign and an optional exponent.
    ///
    /// # Errors
    /// When the text is no finite number, has more than nine decimals, or is 10^20 or more.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (negative, body) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..).unwrap_or_default()),
            Some(b'+') => (false, text.get(1..).unwrap_or_default()),
            _ => (false, text),
        };
        if ["nan", "inf", "infinity"]
            .iter()
            .any(|name| body.eq_ignore_ascii_case(name))
        {
            return Err(QuantityError::NotFinite);
        }
        let (mantissa, exponent) = match body.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(QuantityError::NotANumber);
        }
        let fraction_digits = i64::try_from(fraction.len()).unwrap_or(EXPONENT_CAP);
        let magnitude = scaled(digits.trim_start_matches('0'), exponent - fraction_digits)?;
        Ok(Self(if negative { -magnitude } else { magnitude }))
    }

    /// Reads a total as Postgres prints one: plain decimal text, which may be 10^20 and more, as far
    /// as 128 bits hold it.
    ///
    /// # Errors
    /// When the text is no plain decimal number, has more than nine decimals, or is too large.
    pub fn parse_total(text: &str) -> Result<Self, QuantityError> {
        let (negative, body) = text
            .strip_prefix('-')
            .map_or((false, text), |body| (true, body));
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let fraction = fraction.trim_end_matches('0');
        if u32::try_from(fraction.len()).is_ok_and(|length| length > DECIMALS) {
            return Err(QuantityError::TooPrecise);
        }
        let digits = format!("{whole}{fraction:0<9}");
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(QuantityError::NotANumber);
        }
        let magnitude: i128 = digits.parse().map_err(|_| QuantityError::OutOfRange)?;
        Ok(Self(if negative { -magnitude } else { magnitude }))
    }

    /// The sum, or `None` beyond what 128 bits hold (about 10^29 units).
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` beyond what 128 bits hold.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The exact sum of many, or `None` beyond what 128 bits hold.
    #[must_use]
    pub fn checked_sum(values: impl IntoIterator<Item = Self>) -> Option<Self> {
        values.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// The same amount with the other sign.
    #[must_use]
    pub const fn negate(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// What is left of `self` after `other` is taken, never below zero.
    #[must_use]
    pub fn saturating_sub_to_zero(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// True for exactly zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// True below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// True above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// True when the magnitude is below 10^20, as every value given by a user must be.
    #[must_use]
    pub const fn is_in_range(self) -> bool {
        self.0.unsigned_abs() < Self::LIMIT.0.unsigned_abs()
    }

    /// The exact product, rounded up at the ninth decimal; `None` beyond what 128 bits hold.
    #[must_use]
    pub fn mul_ceil(self, other: Self) -> Option<Self> {
        if let Some(product) = self.0.checked_mul(other.0) {
            return ceil_div(product, SCALE).map(Self);
        }
        let product = BigInt::from(self.0) * BigInt::from(other.0);
        // ceil(p / s) = -floor(-p / s)
        let ceiling = -floor_div_big(&-product, &BigInt::from(SCALE))?;
        i128::try_from(ceiling).ok().map(Self)
    }

    /// The quotient, floored at the ninth decimal; `None` for a zero divisor or beyond 128 bits.
    #[must_use]
    pub fn div_floor(self, other: Self) -> Option<Self> {
        if let Some(dividend) = self.0.checked_mul(SCALE) {
            return floor_div(dividend, other.0).map(Self);
        }
        let dividend = BigInt::from(self.0) * BigInt::from(SCALE);
        let floor = floor_div_big(&dividend, &BigInt::from(other.0))?;
        i128::try_from(floor).ok().map(Self)
    }
}

/// Reads the part after `e`, capped: a larger exponent only ever means an error or zero.
fn parse_exponent(text: &str) -> Result<i64, QuantityError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(QuantityError::NotANumber);
    }
    let exponent = digits
        .parse::<i64>()
        .unwrap_or(EXPONENT_CAP)
        .min(EXPONENT_CAP);
    Ok(if negative { -exponent } else { exponent })
}

/// `digits * 10^exponent` in billionths; `digits` has no leading zero.
fn scaled(digits: &str, exponent: i64) -> Result<i128, QuantityError> {
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let length = i64::try_from(digits.len()).unwrap_or(EXPONENT_CAP);
    let kept = i64::try_from(significant.len()).unwrap_or(EXPONENT_CAP);
    if length + exponent > INTEGER_DIGITS {
        return Err(QuantityError::OutOfRange);
    }
    let shift = exponent + (length - kept) + i64::from(DECIMALS);
    if shift < 0 {
        return Err(QuantityError::TooPrecise);
    }
    // At most 29 digits remain here, so neither step can overflow.
    let value = significant
        .parse::<i128>()
        .map_err(|_| QuantityError::OutOfRange)?;
    u32::try_from(shift)
        .ok()
        .and_then(|shift| 10_i128.checked_pow(shift))
        .and_then(|factor| value.checked_mul(factor))
        .ok_or(QuantityError::OutOfRange)
}

/// The quotient rounded towards minus infinity.
fn floor_div(dividend: i128, divisor: i128) -> Option<i128> {
    let quotient = dividend.checked_div(divisor)?;
    let remainder = dividend.checked_rem(divisor)?;
    if remainder != 0 && (remainder < 0) != (divisor < 0) {
        quotient.checked_sub(1)
    } else {
        Some(quotient)
    }
}

/// The quotient rounded towards plus infinity.
fn ceil_div(dividend: i128, divisor: i128) -> Option<i128> {
    let floor = floor_div(dividend, divisor)?;
    if floor.checked_mul(divisor)? == dividend {
        Some(floor)
    } else {
        floor.checked_add(1)
    }
}

/// The quotient rounded towards minus infinity, without a bound.
fn floor_div_big(dividend: &BigInt, divisor: &BigInt) -> Option<BigInt> {
    let quotient = dividend.checked_div(divisor)?;
    let remainder = dividend - &quotient * divisor;
    let zero = BigInt::ZERO;
    let down = remainder != zero && (remainder < zero) != (*divisor < zero);
    Some(if down { quotient - 1 } else { quotient })
}

impl fmt::Display for Quantity {
    /// Plain decimal text without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = SCALE.unsigned_abs();
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (magnitude / scale, magnitude % scale);
        let text = if fraction == 0 {
            whole.to_string()
        } else {
            format!("{whole}.{fraction:09}")
                .trim_end_matches('0')
                .to_owned()
        };
        f.pad_integral(self.0 >= 0, "", &text)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<i64> for Quantity {
    fn from(units: i64) -> Self {
        Self::from_int(units)
    }
}

impl Serialize for Quantity {
    /// A JSON number with every digit.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_string()
            .parse::<serde_json::Number>()
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    /// From a JSON number, or from text that holds one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::String(text) => text,
            _ => return Err(serde::de::Error::custom(QuantityError::NotANumber)),
        };
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
