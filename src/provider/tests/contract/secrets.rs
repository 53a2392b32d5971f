//! Secrets show up in one header and nowhere else.

use chrono::DateTime;
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::call::Call;
use owostack_provider::outcome::Outcome;
use owostack_provider::progress::Progress;
use owostack_provider::request::{HeaderValue, Request};

use crate::flows::{JOB, KEY, answer, flows, play};
use crate::harness::{account, delivery, now, providers, sample_headers, samples};

/// Parts of every secret in the fixtures.
const HIDDEN: [&str; 3] = ["HiddenKey", "HiddenEmailToken", "HiddenSessionToken"];

fn assert_clean(text: &str, place: &str) {
    for hidden in HIDDEN {
        assert!(!text.contains(hidden), "{place} shows {hidden}: {text}");
    }
}

fn check_request(request: &Request, place: &str) {
    assert_clean(&format!("{request:?} {request:#?}"), place);
    assert_clean(&request.url(), place);
    let body = String::from_utf8_lossy(&request.body).into_owned();
    assert!(!body.contains("HiddenKey"), "{place}");
    let mut keys = 0;
    for (name, value) in &request.headers {
        let text = value.expose();
        assert!(
            text.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{place} {name}"
        );
        match value {
            HeaderValue::Secret(_) => {
                assert_eq!(*name, "Authorization");
                let known = [
                    format!("Bearer {KEY}"),
                    "Bearer polar_cst_HiddenSessionToken".to_owned(),
                ];
                assert!(known.iter().any(|known| known == text), "{place}");
                keys += 1;
            }
            HeaderValue::Plain(text) => assert_clean(text, place),
        }
    }
    assert_eq!(keys, 1, "{place}");
}

#[test]
fn no_conversation_shows_one() {
    let account = account(KEY);
    assert_clean(&format!("{account:?} {account:#?}"), "account");
    for provider in providers() {
        for flow in flows(provider) {
            let place = format!("{} {}", provider.code(), flow.name);
            for (exchange, script) in play(provider, &flow).iter().zip(&flow.steps) {
                if let Ok(request) = &exchange.request {
                    check_request(request, &place);
                }
                let answer = answer(provider, script, 0);
                assert_clean(&format!("{answer:?}"), &place);
                assert_clean(&format!("{:?}", exchange.before), &place);
                assert_clean(&serde_json::to_string(&exchange.before).unwrap(), &place);
                if let Some(outcome) = &exchange.outcome {
                    assert_clean(&format!("{outcome:?}"), &place);
                    assert_clean(&serde_json::to_string(outcome).unwrap(), &place);
                }
                let call = Call {
                    account: &account,
                    operation: &flow.operation,
                    id: JOB,
                    progress: &exchange.before,
                    at: now(),
                };
                assert_clean(&format!("{call:?}"), &place);
            }
        }
    }
}

#[test]
fn a_key_that_a_provider_repeats_is_masked() {
    let account = account("BarePlainHiddenKeyWithoutAnyMark");
    for provider in providers() {
        for flow in flows(provider) {
            let progress = Progress::start(now());
            let call = Call {
                account: &account,
                operation: &flow.operation,
                id: JOB,
                progress: &progress,
                at: DateTime::UNIX_EPOCH,
            };
            let body = br#"{"status":false,"message":"key BarePlainHiddenKeyWithoutAnyMark!",
                "code":"BarePlainHiddenKeyWithoutAnyMark","detail":"BarePlainHiddenKeyWithoutAnyMark",
                "error":{"message":"x BarePlainHiddenKeyWithoutAnyMark"}}"#;
            let outcome = provider.read(
                &call,
                &Answer::Response(Response {
                    status: 401,
                    headers: Headers::default(),
                    body: body.to_vec(),
                    received_at: now(),
                }),
            );
            assert_clean(&format!("{outcome:?}"), provider.code());
            if let Outcome::Next(progress) = outcome {
                assert_clean(&serde_json::to_string(&progress).unwrap(), provider.code());
            }
        }
    }
}

#[test]
fn webhooks_show_neither_bodies_nor_header_values() {
    for provider in providers() {
        for (name, body) in samples(provider) {
            let headers = sample_headers(&name);
            let shown = format!("{:?}", delivery(&headers, &body));
            assert!(shown.len() < 300 && !shown.contains("ada@"), "{shown}");
        }
    }
}
