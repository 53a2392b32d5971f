//! Answers: what became of a request.
//!
//! Handed to `Provider::read` by the worker. Invariant: whether a request may have reached the
//! provider is said here once, by who sent it; a crash between sending and recording is `Lost`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Longest header value that is kept.
const HEADER_LENGTH_MAX: usize = 16_384;
/// Most headers that are kept.
const HEADERS_MAX: usize = 200;

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The provider answered, whatever it said.
    Response(Response),
    /// The request cannot have reached the provider: no connection, no handshake.
    NotSent(String),
    /// Nobody knows: it was sent, and no whole answer came.
    Lost(String),
}

/// An answer as it came.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// Body, bounded by the transport.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies hold tokens and persons' data.
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Headers, whose names know no case.
#[derive(Clone, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Headers of these pairs; too long and too many ones are dropped.
    pub fn new<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        let kept = pairs.filter(|(name, value)| name.len() + value.len() <= HEADER_LENGTH_MAX);
        Self(kept.take(HEADERS_MAX).collect())
    }

    /// Headers of a JSON object whose values are texts or lists of texts.
    #[must_use]
    pub fn from_json(headers: &Value) -> Self {
        let Some(fields) = headers.as_object() else {
            return Self::default();
        };
        let first = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => items.first().and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        Self::new(
            fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), first(value)?))),
        )
    }

    /// The first value of a header, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn headers_know_no_case_and_show_no_values() {
        let headers = Headers::from_json(&json!({
            "STRIPE-Signature": " t=1 ", "x": ["a", "b"], "y": 1, "z": [], "long": "x".repeat(20_000)
        }));
        assert_eq!(headers.get("stripe-signature"), Some("t=1"));
        assert_eq!(headers.get("X"), Some("a"));
        for absent in ["y", "z", "long", ""] {
            assert_eq!(headers.get(absent), None);
        }
        assert_eq!(format!("{headers:?}"), r#"["STRIPE-Signature", "x"]"#);
        assert!(Headers::from_json(&json!([1])).get("x").is_none());
    }
}
