//! Spans: a length of time after which something expires once, such as a rollover or a pack.
//!
//! Read from the catalog as interval text or a number of days. Invariant: a span is positive and
//! its printed form is read back as the same span. Recurring time is the matter of `interval`.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::period::{Time, shifted};
use crate::quantity::Quantity;

/// Microseconds in one second.
const SECOND: i64 = 1_000_000;
/// Microseconds in one day.
const DAY: i64 = 86_400 * SECOND;
/// Longest span in days and, times thirty, in microseconds: about a thousand years.
const DAYS_MAX: i64 = 366_000;
/// Longest span in months.
const MONTHS_MAX: i64 = 12_000;

/// A positive length of time: months and days of the local calendar, then clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    months: i64,
    days: i64,
    micros: i64,
}

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanError {
    text: String,
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no positive length of time like \"30 days\"",
            self.text
        )
    }
}

impl std::error::Error for SpanError {}

/// Reads `30 days`, `1 year 3 months`, `12:00:00`, `P1M`, or a plain number of days.
///
/// # Errors
/// When the text is none of these, is not positive, or is longer than a thousand years.
pub fn parse_span(text: &str) -> Result<Span, SpanError> {
    let lower = text.trim().to_ascii_lowercase();
    let parts = match lower.strip_prefix('p') {
        Some(rest) => iso_parts(rest),
        None => worded_parts(&lower),
    };
    parts
        .and_then(|parts| sum_parts(&parts))
        .ok_or_else(|| SpanError {
            text: text.to_owned(),
        })
}

impl Span {
    /// The span of these parts; `None` when one is negative, all are zero, or one is too long.
    #[must_use]
    pub fn new(months: i64, days: i64, micros: i64) -> Option<Self> {
        let bounded = (0..=MONTHS_MAX).contains(&months)
            && (0..=DAYS_MAX).contains(&days)
            && (0..=DAYS_MAX * DAY).contains(&micros);
        let positive = months > 0 || days > 0 || micros > 0;
        (bounded && positive).then_some(Self {
            months,
            days,
            micros,
        })
    }

    /// That many local days.
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        Self::new(0, days, 0)
    }

    /// Whole months of the local calendar.
    #[must_use]
    pub const fn months(self) -> i64 {
        self.months
    }

    /// Days of the local calendar, after the months.
    #[must_use]
    pub const fn days(self) -> i64 {
        self.days
    }

    /// Microseconds of clock time, after the days.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// The moment this long after another: months with the day clamped, local days, clock time.
    #[must_use]
    pub fn after(self, at: Time, zone: Tz) -> Option<Time> {
        shifted(at, self.months, self.days, self.micros, zone)
    }
}

/// What one word of a span counts.
#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Days(i64),
    Micros(i64),
}

/// A number of units.
type Part = (Quantity, Unit);

/// Adds parts up; a fraction of a day is clock time, a fraction of a month is refused.
fn sum_parts(parts: &[Part]) -> Option<Span> {
    let (mut months, mut days, mut micros) = (0_i64, 0_i64, 0_i64);
    for (number, unit) in parts {
        if number.is_negative() {
            return None;
        }
        match unit {
            Unit::Months(each) => months = months.checked_add(whole(*number, *each)?)?,
            Unit::Days(each) => {
                let part = whole(*number, *each * DAY)?;
                days = days.checked_add(part.div_euclid(DAY))?;
                micros = micros.checked_add(part.rem_euclid(DAY))?;
            }
            Unit::Micros(each) => micros = micros.checked_add(whole(*number, *each)?)?,
        }
    }
    Span::new(months, days, micros)
}

/// `number * each` when that is a whole number.
fn whole(number: Quantity, each: i64) -> Option<i64> {
    let product = number.raw().checked_mul(i128::from(each))?;
    let unit = Quantity::ONE.raw();
    (product % unit == 0)
        .then(|| i64::try_from(product / unit).ok())
        .flatten()
}

/// The parts after the `P` of an ISO 8601 duration.
fn iso_parts(text: &str) -> Option<Vec<Part>> {
    let (date, time) = match text.split_once('t') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    let mut parts = lettered(date, |letter| match letter {
        'y' => Some(Unit::Months(12)),
        'm' => Some(Unit::Months(1)),
        'w' => Some(Unit::Days(7)),
        'd' => Some(Unit::Days(1)),
        _ => None,
    })?;
    parts.extend(lettered(time, |letter| match letter {
        'h' => Some(Unit::Micros(3_600 * SECOND)),
        'm' => Some(Unit::Micros(60 * SECOND)),
        's' => Some(Unit::Micros(SECOND)),
        _ => None,
    })?);
    Some(parts)
}

/// Numbers each followed by one letter.
fn lettered(text: &str, unit: impl Fn(char) -> Option<Unit>) -> Option<Vec<Part>> {
    text.split_inclusive(|c: char| c.is_ascii_alphabetic())
        .map(|piece| {
            let letter = piece.chars().next_back()?;
            Some((
                Quantity::parse(piece.strip_suffix(letter)?).ok()?,
                unit(letter)?,
            ))
        })
        .collect()
}

/// Numbers each followed by a word, with `hh:mm:ss` standing for itself; or one number of days.
fn worded_parts(text: &str) -> Option<Vec<Part>> {
    if let Ok(days) = Quantity::parse(text) {
        return Some(vec![(days, Unit::Days(1))]);
    }
    let mut parts = Vec::new();
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            parts.extend(clock_parts(word)?);
            continue;
        }
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let (number, name) = match word.strip_prefix(digits)? {
            "" => (word, words.next()?),
            name => (digits, name),
        };
        parts.push((Quantity::parse(number).ok()?, unit_of(name)?));
    }
    Some(parts)
}

/// Hours, minutes and optionally seconds.
fn clock_parts(word: &str) -> Option<[Part; 3]> {
    let (hours, rest) = word.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
    Some([
        (Quantity::parse(hours).ok()?, Unit::Micros(3_600 * SECOND)),
        (Quantity::parse(minutes).ok()?, Unit::Micros(60 * SECOND)),
        (Quantity::parse(seconds).ok()?, Unit::Micros(SECOND)),
    ])
}

/// The unit that a word of interval text names.
fn unit_of(name: &str) -> Option<Unit> {
    Some(match name.strip_suffix('s').unwrap_or(name) {
        "year" | "yr" | "y" => Unit::Months(12),
        "quarter" => Unit::Months(3),
        "month" | "mon" => Unit::Months(1),
        "week" | "w" => Unit::Days(7),
        "day" | "d" => Unit::Days(1),
        "hour" | "hr" | "h" => Unit::Micros(3_600 * SECOND),
        "minute" | "min" => Unit::Micros(60 * SECOND),
        "second" | "sec" => Unit::Micros(SECOND),
        "millisecond" => Unit::Micros(1_000),
        "microsecond" => Unit::Micros(1),
        _ => return None,
    })
}

impl fmt::Display for Span {
    /// Interval text that Postgres reads too: `1 year 3 months 2 days 12 hours`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.months / 12, "year"),
            (self.months % 12, "month"),
            (self.days, "day"),
            (self.micros / (3_600 * SECOND), "hour"),
            (self.micros / (60 * SECOND) % 60, "minute"),
            (self.micros / SECOND % 60, "second"),
            (self.micros % SECOND, "microsecond"),
        ];
        let mut separator = "";
        for (number, name) in parts.into_iter().filter(|(number, _)| *number != 0) {
            let plural = if number == 1 { "" } else { "s" };
            write!(f, "{separator}{number} {name}{plural}")?;
            separator = " ";
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_span(text)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    /// From interval text or a number of days.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        parse_span(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
