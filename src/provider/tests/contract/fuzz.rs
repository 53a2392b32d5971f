//! Nothing panics, whatever comes in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::DateTime;
use owostack_provider::account::{Account, Environment};
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::base_url::BaseUrl;
use owostack_provider::call::Call;
use owostack_provider::operation::Operation;
use owostack_provider::outcome::Outcome;
use owostack_provider::progress::Progress;
use owostack_provider::webhook::Delivery;
use owostack_provider::{PROVIDERS, Provider};
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use crate::flows::{Flow, JOB, KEY, flows, play};
use crate::harness::{account, now, providers, sample_headers, samples};

/// An operation and the steps that it comes through.
type Played = (Operation, Vec<Progress>);

/// Every operation of every flow with the steps that it comes through.
static PLAYED: LazyLock<BTreeMap<&str, Vec<Played>>> = LazyLock::new(|| {
    let steps = |provider: &'static dyn Provider, flow: &Flow| {
        play(provider, flow)
            .into_iter()
            .map(|exchange| exchange.before)
            .collect()
    };
    providers()
        .map(|provider| {
            let played = flows(provider)
                .into_iter()
                .map(|flow| (flow.operation.clone(), steps(provider, &flow)))
                .collect();
            (provider.code(), played)
        })
        .collect()
});

/// Any JSON, with numbers at the edges.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        Just(Value::from(i64::MAX)),
        Just(Value::from(i64::MIN)),
        (-1e300..1e300_f64).prop_map(|number| Number::from_f64(number).into()),
        ".{0,20}".prop_map(Value::from),
        "[0-9]{1,25}".prop_map(Value::from),
        Just(Value::from("9999-12-31T23:59:59Z")),
        Just(Value::from("0000-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,10}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// How many values there are inside, the value itself included.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(fields) => fields.values().map(size).sum(),
        Value::Array(items) => items.iter().map(size).sum(),
        _ => 0,
    }
}

/// Puts another value in the place of that number.
fn replace(value: &mut Value, place: &mut usize, other: &Value) {
    if *place == 0 {
        *value = other.clone();
        *place = usize::MAX;
        return;
    }
    *place -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Object(fields) => fields.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    for value in inner {
        if *place == usize::MAX {
            return;
        }
        replace(value, place, other);
    }
}

fn changed(value: &Value, changes: &[(usize, Value)]) -> Value {
    let mut value = value.clone();
    for (place, other) in changes {
        let mut place = place % size(&value);
        replace(&mut value, &mut place, other);
    }
    value
}

fn provider(number: usize) -> &'static dyn Provider {
    PROVIDERS[number % PROVIDERS.len()]
}

fn take(provider: &dyn Provider, headers: &Headers, body: &[u8]) {
    for received_at in [
        now(),
        DateTime::UNIX_EPOCH,
        DateTime::<chrono::Utc>::MAX_UTC,
    ] {
        let delivery = Delivery {
            headers,
            body,
            received_at,
        };
        assert!(provider.verify(&delivery, &account(KEY)).is_err());
        if let Ok(event) = provider.event(&delivery) {
            assert!(!event.id.is_empty() && event.id.len() < 4_000);
            serde_json::to_string(&event).unwrap();
        }
    }
}

/// Reads an answer and builds what follows from it.
fn answered(
    provider: &dyn Provider,
    operation: &Operation,
    progress: &Progress,
    body: &[u8],
    status: u16,
) {
    let account = account(KEY);
    let call = Call {
        account: &account,
        operation,
        id: JOB,
        progress,
        at: now(),
    };
    let outcome = provider.read(
        &call,
        &Answer::Response(Response {
            status,
            headers: Headers::default(),
            body: body.to_vec(),
            received_at: now(),
        }),
    );
    serde_json::to_string(&outcome).unwrap();
    if let Outcome::Next(progress) | Outcome::Retry { progress, .. } = outcome {
        let _ = provider.request(&Call {
            progress: &progress,
            ..call
        });
    }
}

proptest! {
    #[test]
    fn any_bytes_are_no_event(number in 0..4_usize, body in prop::collection::vec(any::<u8>(), 0..200),
        names in prop::collection::vec(".{0,30}", 0..4)) {
        let known = ["stripe-signature", "x-paystack-signature", "webhook-id", "webhook-timestamp", "webhook-signature"];
        let pairs = known.iter().zip(names.iter().cycle()).map(|(name, value)| (*name, value.clone()));
        take(provider(number), &Headers::new(pairs), &body);
    }

    #[test]
    fn any_signature_header_is_read(number in 0..4_usize, timestamp in "[-+0-9]{0,22}",
        signature in "(t=|v1=|v1,|v0=|,| |[0-9a-f]{0,70}|[A-Za-z0-9+/=]{0,60}){0,12}") {
        let headers = Headers::new([
            ("stripe-signature", format!("t={timestamp},{signature}")),
            ("x-paystack-signature", signature.clone()),
            ("webhook-id", "m".to_owned()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ]);
        take(provider(number), &headers, b"{}");
    }

    #[test]
    fn changed_samples_are_read(number in 0..4_usize, sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<usize>(), any_json()), 1..5)) {
        let provider = provider(number);
        let samples = samples(provider);
        let (name, body) = sample.get(&samples);
        let value: Value = serde_json::from_slice(body).unwrap();
        let body = changed(&value, &changes).to_string().into_bytes();
        take(provider, &sample_headers(name), &body);
    }

    #[test]
    fn changed_answers_are_read(number in 0..4_usize, flow in any::<prop::sample::Index>(),
        sample in any::<prop::sample::Index>(), step in any::<prop::sample::Index>(), status in prop_oneof![Just(200_u16), 100..600_u16],
        changes in prop::collection::vec((any::<usize>(), any_json()), 0..4), wrapped in 0..3_usize) {
        let provider = provider(number);
        let flows = &PLAYED[provider.code()];
        let (operation, steps) = flow.get(flows);
        let progress = step.get(steps);
        let samples = samples(provider);
        let value: Value = serde_json::from_slice(&sample.get(&samples).1).unwrap();
        let data = value.pointer("/data/object").or(value.get("data")).unwrap();
        let body = changed(data, &changes);
        let body = match wrapped {
            0 => body,
            1 => serde_json::json!({"status": true, "data": body}),
            _ => serde_json::json!({"items": [body.clone()], "data": [body]}),
        };
        answered(provider, operation, progress, body.to_string().as_bytes(), status);
    }

    #[test]
    fn any_answer_is_read(number in 0..4_usize, flow in any::<prop::sample::Index>(), body in any_json(),
        raw in prop::collection::vec(any::<u8>(), 0..60), status in any::<u16>(), step in "[a-z]{0,8}") {
        let provider = provider(number);
        let (operation, _) = flow.get(&PLAYED[provider.code()]);
        for step in ["", "look", "act", "confirm", &step] {
            let progress = Progress::start(now()).at(step);
            answered(provider, operation, &progress, body.to_string().as_bytes(), status);
            answered(provider, operation, &progress, &raw, status);
        }
    }

    #[test]
    fn any_credentials_are_read(credentials in any_json(), url in "(https?://)?[a-z\\[\\]:/@.%0-9]{0,40}") {
        let _ = Account::read(&credentials, Environment::Live);
        let _ = Headers::from_json(&credentials);
        let _ = BaseUrl::parse(&url);
        if let Ok(operation) = serde_json::from_value::<Operation>(credentials) {
            prop_assert!(!operation.name().is_empty());
        }
    }
}
