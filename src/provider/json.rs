//! Reading JSON of providers: nothing is trusted to be there or to have its type.
//!
//! Used by every reader. Paths are JSON pointers. Invariant: an empty text counts as absent.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Longest id or text that is taken from a provider.
const TEXT_LENGTH_MAX: usize = 500;

/// The text at the path.
pub(crate) fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    let text = value.pointer(path)?.as_str()?;
    (!text.is_empty() && text.len() <= TEXT_LENGTH_MAX).then_some(text)
}

/// The text at the path, owned.
pub(crate) fn owned(value: &Value, path: &str) -> Option<String> {
    text(value, path).map(str::to_owned)
}

/// The id at the path: a text, a number, or an object that has one.
pub(crate) fn id(value: &Value, path: &str) -> Option<String> {
    let found = value.pointer(path)?;
    match found {
        Value::Object(_) => owned(found, "/id"),
        Value::Number(number) => Some(number.to_string()),
        _ => owned(value, path),
    }
}

/// The whole number at the path, also when it comes as text.
pub(crate) fn int(value: &Value, path: &str) -> Option<i64> {
    match value.pointer(path)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The whole number at the path, when it fits.
pub(crate) fn small(value: &Value, path: &str) -> Option<u32> {
    u32::try_from(int(value, path)?).ok()
}

/// Whether the path holds true.
pub(crate) fn flag(value: &Value, path: &str) -> bool {
    value.pointer(path).and_then(Value::as_bool) == Some(true)
}

/// The moment at the path, given in seconds since 1970.
pub(crate) fn unix(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(int(value, path)?, 0)
}

/// The moment at the path, given as ISO 8601 text.
pub(crate) fn iso(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text(value, path)?).ok()?;
    Some(moment.to_utc())
}

/// The list at the path; empty when there is none.
pub(crate) fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_what_fits_and_nothing_else() {
        let value = json!({"a": {"b": "x", "n": "12", "e": "", "o": {"id": "i"}}, "l": [1], "t": 1_793_491_205});
        assert_eq!(text(&value, "/a/b"), Some("x"));
        assert_eq!(text(&value, "/a/e"), None);
        assert_eq!(text(&value, "/l"), None);
        assert_eq!(int(&value, "/a/n"), Some(12));
        assert_eq!(int(&value, "/a/b"), None);
        assert_eq!(id(&value, "/a/o").as_deref(), Some("i"));
        assert_eq!(id(&value, "/l/0").as_deref(), Some("1"));
        assert_eq!(list(&value, "/l").len(), 1);
        assert_eq!(list(&value, "/a").len(), 0);
        assert_eq!(
            unix(&value, "/t").unwrap().to_rfc3339(),
            "2026-11-01T00:00:05+00:00"
        );
        assert_eq!(unix(&json!({"t": i64::MAX}), "/t"), None);
        assert_eq!(
            iso(&json!({"t": "2026-11-01T01:00:05.5+01:00"}), "/t")
                .unwrap()
                .timestamp(),
            1_793_491_205
        );
        assert_eq!(iso(&json!({"t": "yesterday"}), "/t"), None);
    }
}
