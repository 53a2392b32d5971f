//! One JSON object of a document: its keys in either spelling, its path, and notes under it.
//!
//! Null means absent, and a mistake is noted under the spelling found. What a value must look like
//! is the matter of `value`.

use super::super::problem::Notes;
use serde_json::{Map, Value};

/// An object being read.
pub(super) struct Object<'a> {
    path: String,
    map: &'a Map<String, Value>,
    pub(super) notes: &'a Notes,
}

impl<'a> Object<'a> {
    /// Takes the value as an object with these keys (camelCase); others are warned of.
    pub(super) fn open(
        value: &'a Value,
        path: String,
        keys: &[&str],
        notes: &'a Notes,
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            let place = if path.is_empty() { "catalog" } else { &path };
            notes.problem(place, format!("must be an object, not {}", kind(value)));
            return None;
        };
        let object = Self { path, map, notes };
        object.judge_keys(keys);
        Some(object)
    }

    fn judge_keys(&self, keys: &[&str]) {
        let snakes: Vec<String> = keys.iter().map(|key| snake_case(key)).collect();
        for (key, snake) in keys.iter().zip(&snakes) {
            if snake != key && self.map.contains_key(*key) && self.map.contains_key(snake) {
                self.problem(key, format!("is given as \"{key}\" and as \"{snake}\""));
            }
        }
        for key in self.map.keys() {
            if !keys.contains(&key.as_str()) && !snakes.contains(key) {
                self.notes.warn(&self.join(key), "unknown key, ignored");
            }
        }
    }

    /// The value under this key, in either spelling; null is absent.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        let value = self.map.get(key).or_else(|| self.map.get(&snake_case(key)));
        value.filter(|value| !value.is_null())
    }

    /// Path of a key, as it is spelled in the document.
    pub(super) fn path(&self, key: &str) -> String {
        let snake = snake_case(key);
        if !self.map.contains_key(key) && self.map.contains_key(&snake) {
            return self.join(&snake);
        }
        self.join(key)
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Notes a mistake at this key.
    pub(super) fn problem(&self, key: &str, problem: impl Into<String>) {
        self.notes.problem(self.path(key), problem);
    }

    /// Notes an oddity at this key.
    pub(super) fn warn(&self, key: &str, warning: &str) {
        self.notes.warn(&self.path(key), warning);
    }

    /// A key that has to be there.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Option<T> {
        if self.get(key).is_none() {
            self.problem(key, "is required");
        }
        value
    }
}

/// `trialDays` as `trial_days`.
fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// What sort of JSON a value is.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
