//! Fixtures, accounts and the comparison with expected texts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use owostack_provider::account::{Account, Environment};
use owostack_provider::answer::Headers;
use owostack_provider::webhook::Delivery;
use owostack_provider::{PROVIDERS, Provider};
use serde_json::{Value, json};

/// Ten seconds after the vectors were signed.
pub const NOW: i64 = 1_793_491_215;

/// The moment of the tests.
pub fn now() -> DateTime<Utc> {
    at(NOW)
}

/// A moment in seconds since 1970.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// Every provider.
pub fn providers() -> impl Iterator<Item = &'static dyn Provider> {
    PROVIDERS.iter().copied()
}

/// The folder of a provider's fixtures.
pub fn folder(provider: &dyn Provider) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(provider.code())
}

/// A JSON file of a provider's fixtures.
pub fn read_json(provider: &dyn Provider, name: &str) -> Value {
    let path = folder(provider).join(name);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Name and bytes of a sample webhook.
pub type Sample = (String, Vec<u8>);

/// A provider's sample webhooks, by name.
pub fn samples(provider: &dyn Provider) -> Vec<Sample> {
    static CACHE: Mutex<BTreeMap<&str, Vec<Sample>>> = Mutex::new(BTreeMap::new());
    let mut cache = CACHE.lock().unwrap();
    cache
        .entry(provider.code())
        .or_insert_with(|| read_samples(provider))
        .clone()
}

fn read_samples(provider: &dyn Provider) -> Vec<Sample> {
    let root = folder(provider).join("events");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    found.sort();
    assert!(!found.is_empty(), "{} has no samples", provider.code());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Sample>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().with_extension("");
            found.push((name.to_str().unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
}

/// An account whose every secret is this one.
pub fn account(secret: &str) -> Account {
    let credentials = json!({"secret_key": secret, "webhook_secret": secret});
    Account::read(&credentials, Environment::Test).unwrap()
}

/// Headers with an id, as a delivery of that sample has them.
pub fn sample_headers(name: &str) -> Headers {
    Headers::new([("Webhook-Id", format!("msg_{name}"))])
}

/// A delivery now.
pub fn delivery<'a>(headers: &'a Headers, body: &'a [u8]) -> Delivery<'a> {
    Delivery {
        headers,
        body,
        received_at: now(),
    }
}

/// The value without nulls, empty lists and empty objects.
pub fn pruned(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name, pruned(value)))
                .filter(|(_, value)| !value.is_null() && *value != json!({}) && *value != json!([]))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(pruned).collect()),
        other => other,
    }
}

/// Compares with the expected text, or takes it over when `ACCEPT` is set.
pub fn compare(provider: &dyn Provider, name: &str, actual: &str) {
    let path = folder(provider).join(name);
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let first = expected
        .lines()
        .zip(actual.lines())
        .find(|(expected, actual)| expected != actual);
    assert!(
        expected == actual,
        "{} differs (ACCEPT=1 takes it over); first difference: {first:#?}",
        path.display()
    );
}
