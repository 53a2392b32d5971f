//! Outcomes: what an answer means for an operation, and why a request cannot be built.
//!
//! Stored on the outbox row by the worker. Invariants: a refused card is a value, not an error;
//! text from a provider is bounded and holds nothing that looks like a key.

use std::fmt;

use serde::Serialize;

use crate::object::{Object, ObjectKind};
use crate::progress::Progress;

/// What the answer to a request means.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The operation is over; this is what the provider has now.
    Done(Box<Object>),
    /// Another request is due at once.
    Next(Progress),
    /// The customer's bank or card said no; asking the same again is pointless.
    Declined(Failure),
    /// Too many requests; nothing was done.
    RateLimited {
        /// What the provider asks to wait.
        after_seconds: Option<u32>,
        /// Where to go on.
        progress: Progress,
        /// The provider's words.
        failure: Failure,
    },
    /// Not now, or nobody knows: go on from there, later. The progress is such that money that
    /// has moved does not move again.
    Retry {
        /// What the provider or the adapter asks to wait.
        after_seconds: Option<u32>,
        /// Where to go on.
        progress: Progress,
        /// The provider's or the transport's words.
        failure: Failure,
    },
    /// Never as it was asked.
    Invalid(Failure),
    /// The account's key is wrong or may not do this.
    Unauthorized(Failure),
    /// An object whose id we keep is gone: the link is stale.
    Missing {
        /// What is gone.
        object: ObjectKind,
        /// The provider's words.
        failure: Failure,
    },
    /// It has been done before, and not by this operation.
    Exists(Failure),
}

/// Longest text of a provider that is kept.
const TEXT_LENGTH_MAX: usize = 500;
/// Beginnings of words that look like keys.
const KEY_MARKS: [&str; 8] = [
    "sk_",
    "rk_",
    "pk_",
    "whsec_",
    "polar_",
    "client_secret",
    "Bearer",
    "_secret_",
];

/// What a provider or the transport says about a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// HTTP status; zero when there was no answer.
    pub status: u16,
    /// The provider's code.
    pub code: Option<String>,
    /// The provider's text, bounded.
    pub message: String,
    /// The provider's id of the request, for its support.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure with that text.
    #[must_use]
    pub fn new(status: u16, code: Option<&str>, message: &str) -> Self {
        Self {
            status,
            code: code.map(clean).filter(|code| !code.is_empty()),
            message: clean(message),
            request_id: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The text in one line, bounded, with words that look like keys masked.
pub(crate) fn clean(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let masked = KEY_MARKS.iter().any(|mark| word.contains(mark)) && word.len() > 12;
        if masked { "***" } else { word }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    let printable = line.chars().filter(|c| !c.is_control());
    printable.take(TEXT_LENGTH_MAX).collect()
}

/// Why no request can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What kind of obstacle.
    pub kind: RefusalKind,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
}

/// What stands in the way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The provider cannot do this; its capabilities say what to do instead.
    Unsupported,
    /// A value that the provider insists on was not given.
    Incomplete,
    /// A value that the provider cannot take.
    Invalid,
}

impl Refusal {
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self {
            kind: RefusalKind::Unsupported,
            message: message.into(),
        }
    }

    pub(crate) fn incomplete(what: &str) -> Self {
        Self {
            kind: RefusalKind::Incomplete,
            message: format!("the provider needs {what}"),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: RefusalKind::Invalid,
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_bounded_and_masked() {
        let failure = Failure::new(
            401,
            Some("bad key"),
            "Invalid API Key: sk_test_4eC39HqLyjW\nfor\tpi_1_secret_abcdefgh",
        );
        assert_eq!(failure.message, "Invalid API Key: *** for ***");
        assert_eq!(
            Failure::new(500, None, &"é".repeat(900))
                .message
                .chars()
                .count(),
            500
        );
        assert_eq!(Failure::new(500, Some(""), "x").code, None);
    }
}
