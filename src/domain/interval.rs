//! Intervals: how often something resets or renews.
//!
//! Read from the catalog's words, kept in rows and meter keys in their first form.
//! Invariant: text printed here is read back as the same value. When an interval begins is the
//! matter of `period`; a length of time that ends once is a `span::Span`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::span::{Span, parse_span};

/// A word that names no interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalError {
    text: String,
}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown interval \"{}\"", self.text)
    }
}

impl std::error::Error for IntervalError {}

/// One step of time between two resets or renewals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// Every five minutes, on the clock.
    Minutes5,
    /// Every quarter of an hour, on the clock.
    Minutes15,
    /// Every half hour, on the clock.
    Minutes30,
    /// Every hour, on the clock.
    Hourly,
    /// Every local day.
    Daily,
    /// Every seven local days.
    Weekly,
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    SemiAnnual,
    /// Every twelve months.
    Yearly,
    /// One period without an end.
    Never,
}

/// How an interval measures time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Seconds on the UTC clock.
    Seconds(i64),
    /// Days of the local calendar.
    Days(i64),
    /// Months of the local calendar.
    Months(i64),
    /// No end.
    Endless,
}

impl Interval {
    /// Every interval, shortest first.
    pub const ALL: [Self; 11] = [
        Self::Minutes5,
        Self::Minutes15,
        Self::Minutes30,
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
        Self::Quarterly,
        Self::SemiAnnual,
        Self::Yearly,
        Self::Never,
    ];

    /// Reads any of the catalog's words for it, in any case.
    ///
    /// # Errors
    /// When the word names no interval.
    pub fn parse(text: &str) -> Result<Self, IntervalError> {
        Ok(match normal(text).as_str() {
            "5min" | "5mins" | "5minute" | "5minutes" => Self::Minutes5,
            "15min" | "15mins" | "15minute" | "15minutes" => Self::Minutes15,
            "30min" | "30mins" | "30minute" | "30minutes" => Self::Minutes30,
            "hourly" | "hour" => Self::Hourly,
            "daily" | "day" => Self::Daily,
            "weekly" | "week" => Self::Weekly,
            "monthly" | "month" => Self::Monthly,
            "quarterly" | "quarter" => Self::Quarterly,
            "semiannual" | "semiannually" | "biannual" | "biannually" | "halfyear"
            | "halfyearly" => Self::SemiAnnual,
            "yearly" | "year" | "annual" | "annually" => Self::Yearly,
            "never" | "none" => Self::Never,
            _ => {
                return Err(IntervalError {
                    text: text.to_owned(),
                });
            }
        })
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minutes5 => "5min",
            Self::Minutes15 => "15min",
            Self::Minutes30 => "30min",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::SemiAnnual => "semi_annual",
            Self::Yearly => "yearly",
            Self::Never => "never",
        }
    }

    /// How long one step is.
    #[must_use]
    pub const fn length(self) -> Length {
        match self {
            Self::Minutes5 => Length::Seconds(300),
            Self::Minutes15 => Length::Seconds(900),
            Self::Minutes30 => Length::Seconds(1_800),
            Self::Hourly => Length::Seconds(3_600),
            Self::Daily => Length::Days(1),
            Self::Weekly => Length::Days(7),
            Self::Monthly => Length::Months(1),
            Self::Quarterly => Length::Months(3),
            Self::SemiAnnual => Length::Months(6),
            Self::Yearly => Length::Months(12),
            Self::Never => Length::Endless,
        }
    }
}

/// Lower case, without the blanks, hyphens and underscores that spellings differ in.
fn normal(text: &str) -> String {
    text.trim()
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// When a plan feature starts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reset {
    /// By its own interval.
    Every(Interval),
    /// With the billing period of the subscription.
    BillingPeriod,
}

impl Reset {
    /// Reads an interval's word or `billing_period`.
    ///
    /// # Errors
    /// When the word is neither.
    pub fn parse(text: &str) -> Result<Self, IntervalError> {
        if normal(text) == "billingperiod" {
            return Ok(Self::BillingPeriod);
        }
        Interval::parse(text).map(Self::Every)
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Every(interval) => interval.as_str(),
            Self::BillingPeriod => "billing_period",
        }
    }
}

/// An interval repeated: every `count` months, for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cadence {
    /// The step.
    pub interval: Interval,
    /// How many steps make one period, at least one; one for `Never`.
    pub count: u32,
}

impl Cadence {
    /// The cadence of that many intervals; a zero count and any count of `Never` become one.
    #[must_use]
    pub const fn new(interval: Interval, count: u32) -> Self {
        if count == 0 || matches!(interval, Interval::Never) {
            return Self { interval, count: 1 };
        }
        Self { interval, count }
    }

    /// The cadence of one interval.
    #[must_use]
    pub const fn every(interval: Interval) -> Self {
        Self::new(interval, 1)
    }

    /// Reads `monthly` or `monthly*2`.
    ///
    /// # Errors
    /// When the word names no interval or the count is no positive number.
    pub fn parse(text: &str) -> Result<Self, IntervalError> {
        let unknown = || IntervalError {
            text: text.to_owned(),
        };
        let (word, count) = match text.split_once('*') {
            Some((word, count)) => (word, count.trim().parse().map_err(|_| unknown())?),
            None => (text, 1),
        };
        if count == 0 {
            return Err(unknown());
        }
        Ok(Self::new(
            Interval::parse(word).map_err(|_| unknown())?,
            count,
        ))
    }

    /// How long one period is: all its steps together.
    #[must_use]
    pub const fn length(self) -> Length {
        let count = if self.count == 0 {
            1
        } else {
            self.count as i64
        };
        match self.interval.length() {
            Length::Seconds(seconds) => Length::Seconds(seconds * count),
            Length::Days(days) => Length::Days(days * count),
            Length::Months(months) => Length::Months(months * count),
            Length::Endless => Length::Endless,
        }
    }

    /// A price of this cadence as a price per month, as numerator and positive denominator.
    ///
    /// A month counts as thirty days and as four weeks; a price without an end is taken as it is.
    #[must_use]
    pub const fn per_month(self, amount: i64) -> (i128, i128) {
        let amount = amount as i128;
        let count = if self.count == 0 {
            1
        } else {
            self.count as i128
        };
        match self.interval {
            Interval::Minutes5 => (amount * 8_640, count),
            Interval::Minutes15 => (amount * 2_880, count),
            Interval::Minutes30 => (amount * 1_440, count),
            Interval::Hourly => (amount * 720, count),
            Interval::Daily => (amount * 30, count),
            Interval::Weekly => (amount * 4, count),
            Interval::Monthly => (amount, count),
            Interval::Quarterly => (amount, count * 3),
            Interval::SemiAnnual => (amount, count * 6),
            Interval::Yearly => (amount, count * 12),
            Interval::Never => (amount, 1),
        }
    }

    /// Compares two prices by what they come to per month, without rounding.
    #[must_use]
    pub fn compare_per_month(self, amount: i64, other: Self, other_amount: i64) -> Ordering {
        let (left, left_share) = self.per_month(amount);
        let (right, right_share) = other.per_month(other_amount);
        // Below 2^77 times below 2^36: the products stay inside 128 bits.
        (left * right_share).cmp(&(right * left_share))
    }
}

impl From<Interval> for Cadence {
    fn from(interval: Interval) -> Self {
        Self::every(interval)
    }
}

impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 | 1 => f.write_str(self.interval.as_str()),
            count => write!(f, "{}*{count}", self.interval.as_str()),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text in JSON and in rows is the printed form; any accepted spelling is read.
macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl FromStr for $name {
            type Err = IntervalError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(Interval, Reset, Cadence);

#[cfg(test)]
mod tests;
