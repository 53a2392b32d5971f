//! Bounds of a catalog document, each with its reason.
//!
//! The tables hold the same bounds as CHECK constraints.

use serde_json::Value;

/// Longest slug or cycle key: long enough for reversed domain names, short enough for an index.
pub const SLUG_LENGTH: usize = 255;
/// Longest name, description or other line for people.
pub const NAME_LENGTH: usize = 1_000;
/// Largest metadata, feature default or static value.
pub const METADATA_BYTES: usize = 16 * 1024;
/// Largest document: a catalog of thousands of rows is a few hundred kB, anything larger a mistake.
pub(super) const DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// Most entries of a top-level list, and of the features of one plan, system or group.
pub(super) const LIST_LENGTH: usize = 2_000;
/// Most billing cycles of a plan: every interval in a handful of currencies.
pub(super) const CYCLES: usize = 100;
/// Most price tiers: every rating walks them all.
pub(super) const TIERS: usize = 100;
/// Longest trial: ten years.
pub(super) const TRIAL_DAYS: i64 = 3_650;
/// Longest cycle in intervals; 1,000 years at the most.
pub(super) const INTERVAL_COUNT: i64 = 1_000;
/// Lines of problems or warnings reported; the rest is counted.
pub(super) const REPORT_LINES: usize = 100;

/// Length in bytes of a value as Postgres prints `jsonb`: a space after each comma and colon.
///
/// A CHECK on `octet_length(metadata::text)` and this function agree on what is too large.
pub fn json_length(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => string_length(text),
        Value::Array(items) => {
            let inner: usize = items.iter().map(json_length).sum();
            2 + inner + separators(items.len())
        }
        Value::Object(map) => {
            let inner: usize = map
                .iter()
                .map(|(key, item)| string_length(key) + 2 + json_length(item))
                .sum();
            2 + inner + separators(map.len())
        }
    }
}

fn separators(items: usize) -> usize {
    items.saturating_sub(1) * 2
}

fn string_length(text: &str) -> usize {
    let escaped: usize = text
        .chars()
        .map(|character| match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            control if u32::from(control) < 0x20 => 6,
            other => other.len_utf8(),
        })
        .sum();
    2 + escaped
}
