//! Accounts: whose keys a call uses and whose webhooks are believed.
//!
//! Read from the credentials of `owo_provider_set`, which the extension keeps sealed. Invariants:
//! keys are printable ASCII without blanks, so that none can break out of a header; no error text
//! repeats a value. Deliberately absent: sealing and storage.

use std::fmt;

use serde_json::{Map, Value};

use crate::base_url::{BaseUrl, BaseUrlError};
use crate::secret::Secret;

/// Longest key.
const KEY_LENGTH_MAX: usize = 1_000;
/// Most webhook secrets that are valid at once.
const WEBHOOK_SECRETS_MAX: usize = 8;

/// Whether money is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// The provider's test mode or sandbox.
    Test,
    /// Real money.
    Live,
}

impl Environment {
    /// Reads `test` or `live`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "test" => Some(Self::Test),
            "live" => Some(Self::Live),
            _ => None,
        }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// One account at a provider.
#[derive(Clone, Debug)]
pub struct Account {
    /// Test or live.
    pub environment: Environment,
    /// The key that calls are made with.
    pub secret_key: Secret,
    /// The secrets that webhooks may be signed with, newest first.
    pub webhook_secrets: Vec<Secret>,
    /// Where to send calls instead of the provider's own address.
    pub base_url: Option<BaseUrl>,
    /// Version of the provider's interface instead of the pinned one.
    pub api_version: Option<String>,
}

/// Why credentials cannot be used; names fields, never values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// A field that must be there is not, or is not of its type.
    Field(&'static str),
    /// The base URL cannot be used.
    BaseUrl(BaseUrlError),
    /// The key belongs to the other environment.
    Environment,
    /// A field that nobody reads, most likely a typing mistake.
    Unknown,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "credentials: {field} is missing or malformed"),
            Self::BaseUrl(error) => write!(f, "credentials: base_url {error}"),
            Self::Environment => f.write_str("the key belongs to the other environment"),
            Self::Unknown => f.write_str("credentials hold a field that is not known"),
        }
    }
}

impl std::error::Error for AccountError {}

/// Fields that credentials may have.
const FIELDS: [&str; 6] = [
    "secret_key",
    "webhook_secret",
    "webhook_secrets",
    "publishable_key",
    "base_url",
    "api_version",
];

impl Account {
    /// Reads `{secret_key, webhook_secret | webhook_secrets[], base_url, api_version}`.
    ///
    /// # Errors
    /// When a field is missing, malformed or unknown.
    pub fn read(credentials: &Value, environment: Environment) -> Result<Self, AccountError> {
        let fields = credentials
            .as_object()
            .ok_or(AccountError::Field("object"))?;
        if fields.keys().any(|key| !FIELDS.contains(&key.as_str())) {
            return Err(AccountError::Unknown);
        }
        let base_url = match fields.get("base_url").and_then(Value::as_str) {
            Some(text) => Some(BaseUrl::parse(text).map_err(AccountError::BaseUrl)?),
            None => absent(fields, "base_url")?,
        };
        let api_version = match fields.get("api_version").and_then(Value::as_str) {
            Some(text) if is_token(text) => Some(text.to_owned()),
            _ => absent(fields, "api_version")?,
        };
        Ok(Self {
            environment,
            secret_key: secret(fields.get("secret_key"), "secret_key")?,
            webhook_secrets: webhook_secrets(fields)?,
            base_url,
            api_version,
        })
    }
}

/// Nothing, when the field is not given.
fn absent<T>(fields: &Map<String, Value>, field: &'static str) -> Result<Option<T>, AccountError> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(AccountError::Field(field)),
    }
}

fn webhook_secrets(fields: &Map<String, Value>) -> Result<Vec<Secret>, AccountError> {
    let mut secrets = Vec::new();
    if let Some(one) = fields.get("webhook_secret").filter(|one| !one.is_null()) {
        secrets.push(secret(Some(one), "webhook_secret")?);
    }
    if let Some(many) = fields.get("webhook_secrets").filter(|many| !many.is_null()) {
        let many = many
            .as_array()
            .ok_or(AccountError::Field("webhook_secrets"))?;
        for one in many {
            secrets.push(secret(Some(one), "webhook_secrets")?);
        }
    }
    if secrets.len() > WEBHOOK_SECRETS_MAX {
        return Err(AccountError::Field("webhook_secrets"));
    }
    Ok(secrets)
}

fn secret(value: Option<&Value>, field: &'static str) -> Result<Secret, AccountError> {
    value
        .and_then(Value::as_str)
        .filter(|text| is_token(text))
        .map(Secret::new)
        .ok_or(AccountError::Field(field))
}

/// Printable ASCII without blanks: safe inside a header.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= KEY_LENGTH_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(credentials: &Value) -> Result<Account, AccountError> {
        Account::read(credentials, Environment::Test)
    }

    #[test]
    fn reads_one_or_several_webhook_secrets() {
        let account = read(&json!({
            "secret_key": "sk_1", "webhook_secret": "whsec_new", "webhook_secrets": ["whsec_old"],
            "base_url": "https://proxy.test/", "api_version": "2026-10", "publishable_key": "pk"
        }))
        .unwrap();
        let secrets: Vec<&str> = account.webhook_secrets.iter().map(Secret::expose).collect();
        assert_eq!(secrets, ["whsec_new", "whsec_old"]);
        assert_eq!(account.base_url.unwrap().as_str(), "https://proxy.test");
    }

    #[test]
    fn names_the_field_and_never_the_value() {
        for (credentials, error) in [
            (json!(null), AccountError::Field("object")),
            (json!({}), AccountError::Field("secret_key")),
            (json!({"secret_key": ""}), AccountError::Field("secret_key")),
            (
                json!({"secret_key": "a b"}),
                AccountError::Field("secret_key"),
            ),
            (
                json!({"secret_key": "a\r\nX: y"}),
                AccountError::Field("secret_key"),
            ),
            (
                json!({"secret_key": "k", "webhook_secret": " "}),
                AccountError::Field("webhook_secret"),
            ),
            (
                json!({"secret_key": "k", "webhook_secrets": "s"}),
                AccountError::Field("webhook_secrets"),
            ),
            (
                json!({"secret_key": "k", "base_url": 1}),
                AccountError::Field("base_url"),
            ),
            (
                json!({"secret_key": "k", "secretkey": "hidden"}),
                AccountError::Unknown,
            ),
        ] {
            let found = read(&credentials).unwrap_err();
            assert_eq!(found, error);
            assert!(!found.to_string().contains("hidden"));
        }
    }
}
