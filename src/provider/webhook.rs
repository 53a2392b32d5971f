//! Webhooks as they come in: bytes, headers and the moment of receipt.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::answer::Headers;

/// How far a webhook's own moment may be from its receipt, either way.
pub const AGE_SECONDS_MAX: i64 = 300;

/// One webhook as it came.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// Its body, byte for byte: signatures are over these bytes and no others.
    pub body: &'a [u8],
    /// When it came, not when it is looked at.
    pub received_at: DateTime<Utc>,
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("headers", self.headers)
            .field("body_bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish()
    }
}

/// A webhook that is not believed. What is wrong with it is not said, lest it help a forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected;

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the webhook's signature is missing, wrong or too old")
    }
}

impl std::error::Error for Rejected {}

/// An id for an event that has none that can be kept: of the same bytes always the same.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    format!("sha256:{}", hex::encode(sha2::Sha256::digest(bytes)))
}
