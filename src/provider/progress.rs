//! Progress: how far an operation of several requests has come.
//!
//! Kept on the outbox row between requests, so that a crash goes on where it stopped. Invariant:
//! what is kept holds no secret; a token that a later step needs lives in memory only, and its
//! step is repeated when it is gone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Where an operation stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// Name of the step that is due; empty at the start.
    pub step: String,
    /// Ids that earlier steps found.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// Attempt group: part of the idempotency key and of references.
    #[serde(default)]
    pub group: u32,
    /// When the operation began.
    pub since: DateTime<Utc>,
    /// A token of an earlier step.
    #[serde(skip)]
    pub pass: Option<Secret>,
}

impl Progress {
    /// An operation that has not begun.
    #[must_use]
    pub const fn start(since: DateTime<Utc>) -> Self {
        Self {
            step: String::new(),
            notes: BTreeMap::new(),
            group: 0,
            since,
            pass: None,
        }
    }

    /// The same operation at another step.
    #[must_use]
    pub fn at(&self, step: &str) -> Self {
        Self {
            step: step.to_owned(),
            ..self.clone()
        }
    }

    /// With one more id.
    #[must_use]
    pub fn note(mut self, name: &str, value: impl Into<String>) -> Self {
        self.notes.insert(name.to_owned(), value.into());
        self
    }

    /// With a token for the next step.
    #[must_use]
    pub fn with_pass(mut self, pass: Secret) -> Self {
        self.pass = Some(pass);
        self
    }

    /// A new attempt group: what is sent from here on is a new request to the provider.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.group = self.group.saturating_add(1);
        self
    }

    /// The same operation begun anew: its idempotency keys count from now.
    #[must_use]
    pub fn renewed(&self, step: &str, now: DateTime<Utc>) -> Self {
        Self {
            since: now,
            ..self.at(step).again()
        }
    }

    /// An id that an earlier step found.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_without_its_token() {
        let progress = Progress::start(DateTime::UNIX_EPOCH)
            .at("finalize")
            .note("order", "o1")
            .with_pass(Secret::new("hidden"))
            .again();
        let kept = serde_json::to_string(&progress).unwrap();
        assert!(!kept.contains("hidden") && !format!("{progress:?}").contains("hidden"));
        let back: Progress = serde_json::from_str(&kept).unwrap();
        assert_eq!((back.step.as_str(), back.group), ("finalize", 1));
        assert_eq!(back.get("order"), Some("o1"));
        assert!(back.pass.is_none());
    }
}
