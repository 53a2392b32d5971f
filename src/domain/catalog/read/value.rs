//! The values of an object, read by what they mean: texts, numbers, words, money, lengths, lists.
//!
//! A value that does not fit is noted as a problem and read as absent, so that reading goes on and
//! finds the next mistake.

use super::super::limits::{METADATA_BYTES, NAME_LENGTH, SLUG_LENGTH, json_length};
use super::object::{Object, kind};
use crate::interval::{Interval, Reset, Span, parse_span};
use crate::money::Currency;
use crate::quantity::Quantity;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

impl<'a> Object<'a> {
    fn mistake<T>(&self, key: &str, expected: &str, found: &Value) -> Option<T> {
        self.problem(key, format!("must be {expected}, not {}", shown(found)));
        None
    }

    /// A text of at most so many characters.
    pub(super) fn text(&self, key: &str, length_max: usize) -> Option<String> {
        let value = self.get(key)?;
        match value {
            Value::String(text) => match text_problem(text, length_max) {
                None => Some(text.clone()),
                Some(problem) => self.refuse(key, problem),
            },
            other => self.mistake(key, "a text", other),
        }
    }

    /// A line for people.
    pub(super) fn line(&self, key: &str) -> Option<String> {
        self.text(key, NAME_LENGTH)
    }

    /// A non-empty identifier.
    pub(super) fn slug(&self, key: &str) -> Option<String> {
        let text = self.text(key, SLUG_LENGTH)?;
        if text.trim_matches(' ').is_empty() {
            self.problem(key, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// True or false.
    pub(super) fn boolean(&self, key: &str, default: bool) -> bool {
        self.flag(key).unwrap_or(default)
    }

    /// True, false or absent.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            other => self.mistake(key, "true or false", other),
        }
    }

    /// A number, zero or above.
    pub(super) fn quantity(&self, key: &str) -> Option<Quantity> {
        let value = self.get(key)?;
        match quantity_of(value) {
            Ok(quantity) => Some(quantity),
            Err(problem) => self.refuse(key, problem),
        }
    }

    /// An amount of money in minor units.
    pub(super) fn money(&self, key: &str) -> Option<i64> {
        self.integer(key, 0..=i64::MAX)
    }

    /// A whole number within bounds; `30.0` and `3e1` are whole.
    pub(super) fn integer(&self, key: &str, bounds: RangeInclusive<i64>) -> Option<i64> {
        let value = self.get(key)?;
        let Value::Number(number) = value else {
            return self.mistake(key, "a whole number", value);
        };
        let whole = Quantity::parse(&number.to_string())
            .ok()
            .and_then(|quantity| quantity.to_string().parse::<i64>().ok());
        match whole {
            Some(whole) if bounds.contains(&whole) => Some(whole),
            _ => {
                let (least, most) = (bounds.start(), bounds.end());
                let expected = format!("a whole number from {least} to {most}");
                self.mistake(key, &expected, value)
            }
        }
    }

    /// A whole number that fits an int4 column, within bounds.
    pub(super) fn int(&self, key: &str, bounds: RangeInclusive<i64>) -> Option<i32> {
        self.integer(key, bounds)
            .and_then(|whole| i32::try_from(whole).ok())
    }

    /// One of a closed set of words.
    pub(super) fn word<T>(
        &self,
        key: &str,
        words: &[&str],
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        if let Value::String(text) = value
            && let Some(word) = parse(text)
        {
            return Some(word);
        }
        self.mistake(key, &format!("one of {}", words.join(", ")), value)
    }

    /// A text with a meaning of its own.
    fn meaning<T, E: std::fmt::Display>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let Value::String(text) = value else {
            return self.mistake(key, expected, value);
        };
        match text_problem(text, SLUG_LENGTH) {
            Some(problem) => self.refuse(key, problem),
            None => match parse(text) {
                Ok(meaning) => Some(meaning),
                Err(problem) => self.refuse(key, problem.to_string()),
            },
        }
    }

    fn refuse<T>(&self, key: &str, problem: String) -> Option<T> {
        self.problem(key, problem);
        None
    }

    /// An ISO 4217 code in any case.
    pub(super) fn currency(&self, key: &str) -> Option<Currency> {
        self.meaning(key, "a currency code", Currency::parse)
    }

    /// An interval of billing, by any of its names.
    pub(super) fn interval(&self, key: &str) -> Option<Interval> {
        self.meaning(key, "an interval such as monthly", Interval::parse)
    }

    /// An interval of reset, by any of its names.
    pub(super) fn reset(&self, key: &str) -> Option<Reset> {
        self.meaning(key, "an interval such as monthly", Reset::parse)
    }

    /// A length of time: interval text or a number of days.
    pub(super) fn span(&self, key: &str) -> Option<Span> {
        if let Some(Value::Number(days)) = self.get(key) {
            let span = parse_span(&days.to_string());
            return span
                .map_err(|problem| self.problem(key, problem.to_string()))
                .ok();
        }
        self.meaning(
            key,
            "a length such as \"30 days\", or a number of days",
            parse_span,
        )
    }

    /// Any value of bounded size.
    pub(super) fn json(&self, key: &str) -> Option<Value> {
        let value = self.get(key)?;
        if json_length(value) > METADATA_BYTES {
            self.problem(
                key,
                format!("must not be larger than {METADATA_BYTES} bytes"),
            );
            return None;
        }
        Some(value.clone())
    }

    /// An object of bounded size; empty when absent.
    pub(super) fn metadata(&self, key: &str) -> Map<String, Value> {
        match self.json(key) {
            None => Map::new(),
            Some(Value::Object(map)) => map,
            Some(other) => self.mistake(key, "an object", &other).unwrap_or_default(),
        }
    }

    /// A bounded list with the path of each item; empty when absent.
    pub(super) fn list(&self, key: &str, length_max: usize) -> Vec<(String, &'a Value)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Value::Array(items) = value else {
            return self.mistake(key, "a list", value).unwrap_or_default();
        };
        if items.len() > length_max {
            self.problem(key, format!("must not have more than {length_max} entries"));
            return Vec::new();
        }
        let path = self.path(key);
        let items = items.iter().enumerate();
        items
            .map(|(at, item)| (format!("{path}[{at}]"), item))
            .collect()
    }
}

/// A number, zero or above.
pub(super) fn quantity_of(value: &Value) -> Result<Quantity, String> {
    let Value::Number(number) = value else {
        return Err(format!("must be a number, not {}", shown(value)));
    };
    match Quantity::parse(&number.to_string()) {
        Err(problem) => Err(problem.to_string()),
        Ok(quantity) if quantity.is_negative() => {
            Err(format!("must not be negative, as {number} is"))
        }
        Ok(quantity) => Ok(quantity),
    }
}

/// What is wrong with a text, if anything.
pub(super) fn text_problem(text: &str, length_max: usize) -> Option<String> {
    let length = text.chars().count();
    if length > length_max {
        return Some(format!(
            "must not be longer than {length_max} characters, as {length} is"
        ));
    }
    // Postgres has no place for it in a text.
    text.contains('\0')
        .then(|| "must not contain a NUL character".to_owned())
}

/// A value as quoted in a problem: short ones whole, others by their kind.
fn shown(value: &Value) -> String {
    const SHOWN_BYTES: usize = 40;
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        short if json_length(short) <= SHOWN_BYTES => short.to_string(),
        long => kind(long).to_owned(),
    }
}
