//! Requests: bytes to send, and nothing else to decide for who sends them.
//!
//! Built by `Provider::request`, sent by the worker's transport, which adds only what HTTP
//! needs. Invariants: `Debug` shows neither secrets nor bodies nor queries; header values hold
//! no line breaks.

use std::fmt;

use serde_json::Value;

use crate::base_url::BaseUrl;
use crate::form;
use crate::secret::Secret;

/// What is done with the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read; may be repeated and redirected.
    Get,
    /// Create or act.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes nothing, so that repeating it is always safe.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Get)
    }
}

/// The value of a header.
#[derive(Clone, Debug)]
pub enum HeaderValue {
    /// May be logged.
    Plain(String),
    /// May not.
    Secret(Secret),
}

impl HeaderValue {
    /// The text to send.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// One request to a provider.
#[derive(Clone)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// Scheme, host and prefix.
    pub base: String,
    /// Path and query.
    pub target: String,
    /// Headers, besides those that HTTP itself needs.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// Body; empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request to an account's address, or else the provider's own.
    pub(crate) fn new(
        base: Option<&BaseUrl>,
        default_base: &str,
        method: Method,
        target: impl Into<String>,
    ) -> Self {
        Self {
            method,
            base: base.map_or(default_base, BaseUrl::as_str).to_owned(),
            target: target.into(),
            headers: vec![("Accept", HeaderValue::Plain("application/json".to_owned()))],
            body: Vec::new(),
        }
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, HeaderValue::Plain(value.into())));
        self
    }

    /// With the key that shows who asks.
    pub(crate) fn bearer(mut self, key: &Secret) -> Self {
        let value = Secret::new(format!("Bearer {}", key.expose()));
        self.headers
            .push(("Authorization", HeaderValue::Secret(value)));
        self
    }

    /// With a JSON body.
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("Content-Type", "application/json")
    }

    /// With a form as body.
    pub(crate) fn form(mut self, body: &Value) -> Self {
        self.body = form::encode(body).into_bytes();
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// The whole address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.base, self.target)
    }

    /// The value of a header that may be logged.
    #[must_use]
    pub fn plain_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(known, value)| match value {
            HeaderValue::Plain(text) if known.eq_ignore_ascii_case(name) => Some(text.as_str()),
            _ => None,
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Request")
            .field("method", &self.method.as_str())
            .field("base", &self.base)
            .field("path", &path)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
