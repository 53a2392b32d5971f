//! Signatures: the vectors, and everything that must not pass.

use std::fs;

use chrono::TimeDelta;
use owostack_provider::Provider;
use owostack_provider::account::{Account, Environment};
use owostack_provider::answer::Headers;
use owostack_provider::webhook::{Delivery, Rejected};
use serde_json::{Value, json};

use crate::harness::{NOW, account, at, folder, providers, read_json};

struct Vector {
    name: String,
    secret: String,
    other: Option<String>,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
    valid: bool,
    verify_at: i64,
}

impl Vector {
    fn verify_with(
        &self,
        provider: &dyn Provider,
        account: &Account,
        headers: &[(String, String)],
        body: &[u8],
        seconds: i64,
    ) -> Result<(), Rejected> {
        let headers = Headers::new(headers.iter().cloned());
        let delivery = Delivery {
            headers: &headers,
            body,
            received_at: at(seconds),
        };
        provider.verify(&delivery, account)
    }

    fn verify(&self, provider: &dyn Provider) -> Result<(), Rejected> {
        let account = account(&self.secret);
        self.verify_with(
            provider,
            &account,
            &self.headers,
            &self.body,
            self.verify_at,
        )
    }
}

fn vectors(provider: &dyn Provider) -> Vec<Vector> {
    let list = read_json(provider, "signatures.json");
    let read = |vector: &Value| {
        let text = |name: &str| vector[name].as_str().map(str::to_owned);
        let body = match text("body_file") {
            Some(file) => fs::read(folder(provider).join("events").join(file)).unwrap(),
            None => text("body").unwrap().into_bytes(),
        };
        let headers = vector["header"].as_object().unwrap().iter();
        Vector {
            name: format!("{}: {}", provider.code(), text("name").unwrap()),
            secret: text("secret").unwrap(),
            other: text("other_accepted_secret"),
            body,
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
            valid: vector["valid"].as_bool().unwrap(),
            verify_at: vector["verify_at"].as_i64().unwrap_or(NOW),
        }
    };
    list.as_array().unwrap().iter().map(read).collect()
}

fn valid(provider: &dyn Provider) -> Vec<Vector> {
    let all = vectors(provider);
    let valid: Vec<Vector> = all.into_iter().filter(|vector| vector.valid).collect();
    assert!(!valid.is_empty());
    valid
}

#[test]
fn the_vectors_hold() {
    for provider in providers() {
        for vector in vectors(provider) {
            let found = vector.verify(provider);
            assert_eq!(found.is_ok(), vector.valid, "{}", vector.name);
        }
    }
}

#[test]
fn any_of_several_secrets_will_do() {
    for provider in providers() {
        for vector in valid(provider) {
            let other = vector
                .other
                .clone()
                .unwrap_or_else(|| vector.secret.clone());
            for secret in [&vector.secret, &other] {
                let credentials = json!({
                    "secret_key": "sk_test_unrelated",
                    "webhook_secrets": ["whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQ=", secret],
                });
                let account = Account::read(&credentials, Environment::Test).unwrap();
                let found = vector.verify_with(
                    provider,
                    &account,
                    &vector.headers,
                    &vector.body,
                    vector.verify_at,
                );
                assert_eq!(found, Ok(()), "{}", vector.name);
            }
        }
    }
}

#[test]
fn a_wrong_secret_does_not() {
    for provider in providers() {
        for mut vector in valid(provider) {
            let right = vector.secret.clone();
            // The first letters are a mark, and the last ones of base64 may hold no bits.
            let wrong = |place: usize| {
                let mut bytes = right.clone().into_bytes();
                bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
                String::from_utf8(bytes).unwrap()
            };
            for place in 8..right.len() - 4 {
                vector.secret = wrong(place);
                assert_eq!(vector.verify(provider), Err(Rejected), "{}", vector.name);
            }
            vector.secret = "whsec_".to_owned();
            assert_eq!(vector.verify(provider), Err(Rejected), "{}", vector.name);
        }
    }
}

// What is kept of a webhook must be enough to read it again.
#[test]
fn every_header_that_counts_is_kept() {
    for provider in providers() {
        let kept = provider.capabilities().webhook_headers;
        assert!(kept.iter().all(|name| *name == name.to_lowercase()));
        for mut vector in valid(provider) {
            let all = vector.verify(provider);
            vector
                .headers
                .retain(|(name, _)| kept.contains(&name.to_lowercase().as_str()));
            assert_eq!(vector.verify(provider), all, "{}", vector.name);
            assert_eq!(vector.headers.len(), kept.len(), "{}", vector.name);
        }
    }
}

#[test]
fn header_names_know_no_case() {
    for provider in providers() {
        for mut vector in valid(provider) {
            for (name, _) in &mut vector.headers {
                *name = name.to_uppercase();
            }
            assert_eq!(vector.verify(provider), Ok(()), "{}", vector.name);
        }
    }
}

#[test]
fn a_missing_or_empty_header_does_not_pass() {
    for provider in providers() {
        for vector in valid(provider) {
            let account = account(&vector.secret);
            for place in 0..vector.headers.len() {
                let mut without = vector.headers.clone();
                let (name, _) = without.remove(place);
                let mut empty = without.clone();
                empty.push((name, String::new()));
                for headers in [without, empty] {
                    let found = vector.verify_with(
                        provider,
                        &account,
                        &headers,
                        &vector.body,
                        vector.verify_at,
                    );
                    assert_eq!(found, Err(Rejected), "{}", vector.name);
                }
            }
        }
    }
}

#[test]
fn a_truncated_changed_or_re_encoded_body_does_not_pass() {
    for provider in providers() {
        for vector in valid(provider) {
            let account = account(&vector.secret);
            let passes = |body: &[u8]| {
                vector
                    .verify_with(provider, &account, &vector.headers, body, vector.verify_at)
                    .is_ok()
            };
            let length = vector.body.len();
            for cut in (0..length).step_by(length / 40 + 1) {
                assert!(!passes(&vector.body[..cut]), "{}", vector.name);
                let mut changed = vector.body.clone();
                changed[cut] ^= 1;
                assert!(!passes(&changed), "{}", vector.name);
            }
            let value: Value = serde_json::from_slice(&vector.body).unwrap();
            let compact = value.to_string().into_bytes();
            let pretty = serde_json::to_vec_pretty(&value).unwrap();
            let longer = [vector.body.as_slice(), b"\n"].concat();
            for other in [compact, pretty, longer] {
                assert!(other == vector.body || !passes(&other), "{}", vector.name);
            }
        }
    }
}

#[test]
fn a_changed_header_does_not_pass() {
    for provider in providers() {
        for vector in valid(provider)
            .iter()
            .filter(|vector| vector.headers.len() != 1 || vector.other.is_none())
        {
            let account = account(&vector.secret);
            for place in 0..vector.headers.len() {
                // With two signatures either will do; one of them is changed in vain.
                let value = &vector.headers[place].1;
                if value.matches("v1").count() > 1 {
                    continue;
                }
                for cut in 0..value.len() {
                    let mut changed = vector.headers.clone();
                    changed[place].1.truncate(cut);
                    let found = vector.verify_with(
                        provider,
                        &account,
                        &changed,
                        &vector.body,
                        vector.verify_at,
                    );
                    let padding = value[cut..].chars().all(|c| c == '=');
                    assert!(found.is_err() || padding, "{} cut at {cut}", vector.name);
                }
            }
        }
    }
}

#[test]
fn what_is_dated_passes_within_five_minutes_of_its_receipt() {
    for provider in providers() {
        for vector in valid(provider) {
            let account = account(&vector.secret);
            let signed_at = NOW - 10;
            for (seconds, passes) in [(-301, false), (-300, true), (300, true), (301, false)] {
                let found = vector.verify_with(
                    provider,
                    &account,
                    &vector.headers,
                    &vector.body,
                    signed_at + seconds,
                );
                let dated = provider.capabilities().webhooks_are_dated;
                assert_eq!(found.is_ok(), passes || !dated, "{} {seconds}", vector.name);
            }
        }
    }
}

#[test]
fn a_replay_is_stale_or_has_the_same_id() {
    for provider in providers() {
        for vector in valid(provider) {
            let account = account(&vector.secret);
            let later = vector.verify_at + TimeDelta::hours(1).num_seconds();
            let headers = Headers::new(vector.headers.iter().cloned());
            let delivery = |seconds| Delivery {
                headers: &headers,
                body: &vector.body,
                received_at: at(seconds),
            };
            let first = provider.event(&delivery(vector.verify_at));
            let replayed = provider.event(&delivery(vector.verify_at + 60));
            if let (Ok(first), Ok(replayed)) = (first, replayed) {
                assert_eq!(first.id, replayed.id, "{}", vector.name);
            }
            let found =
                vector.verify_with(provider, &account, &vector.headers, &vector.body, later);
            assert_eq!(
                found.is_err(),
                provider.capabilities().webhooks_are_dated,
                "{}",
                vector.name
            );
        }
    }
}

#[test]
fn whatever_is_wrong_is_said_in_the_same_words() {
    assert_eq!(
        Rejected.to_string(),
        "the webhook's signature is missing, wrong or too old"
    );
}
